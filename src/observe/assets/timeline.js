// The timeline of a sync: which table was read when, over which connection, and what it waited for.
'use strict';

{
  /* global pgsluice */
  const { element, integer, duration, nameCell } = pgsluice;
  const LANES_HEIGHT = 14;

  /** A table's bars: one lane for each connection that read it, over the line of what it waited for. */
  function timelineTrack(table, words, seconds) {
    const end = Math.max(seconds, 0.001);
    const to = table.to ?? seconds;
    const connections = [...new Set(table.spans.map((span) => span.connection))];
    const lane = Math.max(3, LANES_HEIGHT / Math.max(1, connections.length));
    const track = element('div', { class: 'track', role: 'img', 'aria-label': words });
    track.style.height = `${4 + lane * Math.max(1, connections.length)}px`;
    const bar = (name, from, until, title) => {
      const span = element('span', { class: name, title: `${table.name}: ${title}` });
      span.style.left = `${(100 * from) / end}%`;
      span.style.width = `${Math.max(0, (100 * (until - from)) / end)}%`;
      track.append(span);
      return span;
    };
    const firstRead = table.spans.reduce((first, span) => Math.min(first, span.from), to);
    bar('begin', table.from, firstRead, 'waits to begin');
    bar('warehouse', firstRead, to, words);
    for (const pause of table.pauses) bar('pause', pause.from, pause.to, 'waits for another attempt');
    for (const span of table.spans) {
      const title = `connection ${span.connection} reads, ${duration(span.from)} to ${duration(span.to)}`;
      const read = bar('reading', span.from, span.to, title);
      read.style.top = `${2 + lane * connections.indexOf(span.connection)}px`;
      // A gap tells neighbouring lanes apart.
      read.style.height = `${connections.length > 1 ? lane - 1 : lane}px`;
    }
    return track;
  }

  pgsluice.renderTimeline = (data) => {
    const begun = data.tables.filter((table) => table.from !== null);
    const number = (text) => element('td', { class: 'number', textContent: text });
    const rows = [];
    const inWords = [];
    for (const table of begun) {
      const to = table.to ?? data.seconds;
      const connections = [...new Set(table.spans.map((span) => span.connection))].join(', ');
      const waits = [
        [table.waitedToBegin, 'to begin'],
        [table.waitedForWarehouse, 'for the warehouse'],
        [table.waitedForRetry, 'for another attempt'],
      ];
      const words = [
        `${duration(to - table.from)}, from ${duration(table.from)}`,
        ...(connections === '' ? [] : [`read over connection ${connections}`]),
        ...waits.flatMap(([time, whom]) => (time > 0.05 ? [`waited ${duration(time)} ${whom}`] : [])),
        ...(table.error === null ? [] : [table.error]),
      ].join('; ');
      const failed = { class: table.error === null ? '' : 'failed' };
      rows.push(
        element(
          'tr',
          failed,
          nameCell(table.name),
          element('td', {}, timelineTrack(table, words, data.seconds)),
          number(duration(to - table.from)),
        ),
      );
      inWords.push(
        element(
          'tr',
          failed,
          nameCell(table.name),
          number(duration(table.from)),
          number(table.to === null ? '–' : duration(table.to)),
          element('td', { textContent: connections === '' ? '–' : connections }),
          ...waits.map(([time]) => number(duration(time))),
        ),
      );
    }
    document.getElementById('timeline').replaceChildren(...rows);
    document.getElementById('timeline-words').replaceChildren(...inWords);
    document.getElementById('timeline-end').textContent = duration(data.seconds);
    const left = document.getElementById('timeline-left');
    left.textContent =
      data.tablesLeftOut > 0
        ? `${integer.format(data.tablesLeftOut)} shorter ${data.tablesLeftOut === 1 ? 'table is' : 'tables are'} not shown.`
        : '';
  };
}
