// The page of a sync: live when it is served, finished when it is a file. Every text goes in as text (textContent),
// since table names and errors come from a database that may hold anything.
'use strict';

{
  /* global pgsluice */
  const { element, integer, decimal, number, duration, last, most, nameCell } = pgsluice;
  const { renderFigures, renderList, poll } = pgsluice;
  const holder = document.getElementById('data');
  const live = holder.textContent.trim() === '';

  const percent = (value) => (value === null || Number.isNaN(value) ? '–' : `${integer.format(value)} %`);

  function renderHead(data) {
    const good = data.state === 'succeeded';
    const bad = ['failed', 'some tables failed', 'interrupted'].includes(data.state);
    pgsluice.renderState(data.state, good ? 'good' : bad ? 'bad' : '');
    document.title = `pgsluice: ${data.state}, ${data.source}`;
    document.getElementById('source').textContent = data.source;
    const started = new Date(data.startedAt).toISOString().replace('T', ' ').slice(0, 19);
    document.getElementById('sub').textContent = `into ${data.warehouse}, started ${started} UTC`;
    const error = document.getElementById('error');
    error.textContent = data.error ?? '';
    error.hidden = data.error === null;
  }

  function showFigures(data) {
    const { series } = data;
    const running = data.state === 'running' || data.state === 'starting';
    const rate = running ? last(series.rowsPerSecond) : data.seconds > 0 ? data.rows / data.seconds : 0;
    const speed = running ? last(series.megabytesPerSecond) : data.seconds > 0 ? data.bytes / data.seconds / 1e6 : 0;
    const failed = data.tablesFailed === 0 ? '' : `, ${data.tablesFailed} failed`;
    const figures = [
      ['Tables', `${integer.format(data.tablesDone)} of ${integer.format(data.tablesTotal)}${failed}`],
      ['Rows', number(data.rows)],
      [running ? 'Rows/s' : 'Rows/s, mean', number(rate)],
      [running ? 'MB/s' : 'MB/s, mean', speed === null ? '–' : decimal.format(speed)],
      ['Time', duration(data.seconds)],
      ...(running ? [['Time left', duration(data.secondsLeft)]] : []),
      [
        running ? 'Memory (RSS)' : 'Memory, most',
        `${number(running ? last(series.rssMegabytes) : most(series.rssMegabytes))} MB`,
      ],
      [running ? 'CPU' : 'CPU, most', percent(running ? last(series.cpuPercent) : most(series.cpuPercent))],
      ['Batch, rows', number(last(series.batchRows))],
      ['Readers', number(last(series.readers))],
      ['Retries', number(data.retries)],
      ['Commits', number(data.checkpoints)],
      ...(data.slotWalBytes === null
        ? []
        : [['WAL kept by the source', `${decimal.format(data.slotWalBytes / 1e6)} MB`]]),
    ];
    renderFigures(figures);
  }

  function bytes(value) {
    const units = ['B', 'kB', 'MB', 'GB', 'TB'];
    let unit = 0;
    let scaled = value;
    while (scaled >= 1000 && unit < units.length - 1) {
      scaled /= 1000;
      unit += 1;
    }
    return `${unit === 0 ? integer.format(scaled) : decimal.format(scaled)} ${units[unit]}`;
  }

  function renderTables(data) {
    const took = (table) => (table.from === null ? -1 : (table.to ?? data.seconds) - table.from);
    const slowest = [...data.tables]
      .filter((table) => table.from !== null)
      .sort((a, b) => took(b) - took(a))
      .slice(0, 10);
    const cell = (text, number = true, wide = false) =>
      element('td', { class: `${number ? 'number' : ''} ${wide ? 'wide' : ''}`, textContent: text });
    document
      .getElementById('slowest')
      .replaceChildren(
        ...slowest.map((table) =>
          element(
            'tr',
            {},
            nameCell(table.name),
            cell(duration(took(table))),
            cell(number(table.rows)),
            cell(number(took(table) > 0 ? table.rows / took(table) : 0)),
            cell(bytes(table.writtenBytes), true, true),
            cell(duration(table.waitedForWarehouse), true, true),
            cell(number(table.retries), true, true),
          ),
        ),
      );
    document
      .getElementById('plan')
      .replaceChildren(
        ...data.tables.map((table) =>
          element(
            'tr',
            {},
            nameCell(table.name),
            cell(table.category, false, true),
            cell(`${table.mode}: ${table.reason}`, false),
            cell(table.readMethod, false, true),
            cell(number(table.estimatedRows)),
            cell(bytes(table.bytes), true, true),
            cell(number(table.batchRows), true, true),
            cell(number(table.threads), true, true),
          ),
        ),
      );
  }

  function render(data) {
    renderHead(data);
    showFigures(data);
    pgsluice.renderCharts(data);
    pgsluice.renderTimeline(data);
    renderTables(data);
    renderList('failures', data.failures);
    renderList('warnings', data.warnings);
    renderList('advice', data.advice);
  }

  if (live)
    poll({
      url: 'data.json',
      everyMs: 1000,
      render,
      gone: 'No answer: the sync has ended, or this machine lost it. What you see is its last word.',
    });
  else render(JSON.parse(holder.textContent));
}
