// The page of a sync: live when it is served, finished when it is a file. Every text goes in as text (textContent),
// since table names and errors come from a database that may hold anything.
'use strict';

(() => {
  /* global pgsluice, uPlot */
  const holder = document.getElementById('data');
  const live = holder.textContent.trim() === '';
  const HEIGHT = 170;
  const charts = [];
  let data;

  // ---- Small helpers ----

  const { element, integer, decimal, number, duration, nameCell, renderFigures, renderList, poll } = pgsluice;

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

  const last = (values) => values.findLast((value) => value !== null) ?? null;
  const most = (values) => values.reduce((top, value) => (top === null || value > top ? (value ?? top) : top), null);
  const percent = (value) => (value === null || Number.isNaN(value) ? '–' : `${integer.format(value)} %`);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // ---- Head and figures ----

  function renderHead() {
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

  function showFigures() {
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

  // ---- Charts ----

  const CHARTS = [
    {
      title: 'Throughput',
      lines: [
        ['rowsPerSecond', 'rows/s', 'y', 'rows/s'],
        ['megabytesPerSecond', 'MB/s', 'right', 'MB/s'],
      ],
    },
    {
      title: 'Memory',
      lines: [
        ['rssMegabytes', 'this process', 'y', 'MB'],
        ['memoryLimitMegabytes', 'limit', 'y', 'MB'],
      ],
      // A limit that is far away would press the line of the process to the ground.
      farLine: 'memoryLimitMegabytes',
    },
    {
      title: 'CPU, of what may be used',
      lines: [
        ['cpuPercent', 'everything that runs', 'y', '%'],
        ['ownCpuPercent', 'this process', 'y', '%'],
      ],
      top: 100,
    },
    {
      title: 'Batch size and readers',
      lines: [
        ['batchRows', 'rows in a batch', 'y', 'rows'],
        ['readers', 'readers', 'right', 'readers'],
      ],
      steps: true,
      whole: true,
    },
    { title: 'Retries', lines: [['retries', 'so far', 'y', 'retries']], steps: true, whole: true, top: 1 },
  ];

  /** A limit is near where it fits into a chart in which the process still takes half of the height. */
  function isFar(chart) {
    if (chart.farLine === undefined) return false;
    const limit = data.series[chart.farLine].reduce(
      (low, value) => (value === null ? low : Math.min(low, value)),
      Infinity,
    );
    return limit > 2 * (most(data.series[chart.lines[0][0]]) ?? 0);
  }

  /** The lines that are drawn. */
  const drawn = (chart) => (isFar(chart) ? chart.lines.filter(([column]) => column !== chart.farLine) : chart.lines);

  /** Seconds between two figures of the time, so that they are whole minutes and hours where they are that long. */
  const MOMENTS = [0.01, 0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400];

  function moment(seconds) {
    if (seconds < 60) return `${decimal.format(seconds)} s`;
    if (seconds % 60 !== 0)
      return `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, '0')} min`;
    if (seconds < 7200) return `${integer.format(seconds / 60)} min`;
    return `${decimal.format(seconds / 3600)} h`;
  }

  const compact = (value) => (value >= 10000 ? `${decimal.format(value / 1000)}k` : decimal.format(value));

  /** A scale, in the colour of its line, with its unit at every figure that has room for it. */
  function scaleAxis(chart, scale, shared) {
    const index = chart.lines.findIndex((line) => line[2] === scale);
    const [, , , unit] = chart.lines[index];
    return {
      scale,
      side: scale === 'right' ? 1 : 3,
      stroke: colour(shared ? '--soft' : index === 0 ? '--one' : '--two'),
      grid: { show: scale === 'y', stroke: colour('--grid'), width: 1 },
      ticks: { stroke: colour('--grid') },
      label: unit,
      labelSize: 18,
      labelGap: 0,
      labelFont: '12px system-ui, sans-serif',
      size: 54,
      values: (_plot, values) => values.map(compact),
      // Half a reader there is not.
      ...(chart.whole
        ? { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6] }
        : {}),
    };
  }

  function chartOptions(chart, width) {
    const lines = drawn(chart);
    const right = lines.some(([, , scale]) => scale === 'right');
    const from = (scale) => (_plot, _low, high) => [
      0,
      Math.max(scale === 'y' ? (chart.top ?? 0) : 0, (high ?? 0) * 1.05, chart.whole ? 1 : 1e-9),
    ];
    return {
      width,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false },
      scales: { x: { time: false }, y: { range: from('y') }, right: { range: from('right') } },
      axes: [
        {
          stroke: colour('--soft'),
          grid: { stroke: colour('--grid'), width: 1 },
          ticks: { stroke: colour('--grid') },
          values: (_plot, values) => values.map(moment),
          incrs: MOMENTS,
          space: 60,
          size: 30,
        },
        scaleAxis(chart, 'y', !right && lines.length > 1),
        ...(right ? [scaleAxis(chart, 'right', false)] : []),
      ],
      series: [
        {},
        ...lines.map(([, label, scale], index) => ({
          label,
          scale,
          stroke: colour(index === 0 ? '--one' : '--two'),
          width: 2,
          ...(index === 0 ? {} : { dash: [6, 4] }),
          points: { show: false },
          ...(chart.steps ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
        })),
      ],
    };
  }

  const chartData = (chart) => [data.series.time, ...drawn(chart).map(([column]) => data.series[column])];

  /** The chart in words, for those who do not see it. */
  function chartText(chart) {
    const parts = chart.lines.map(([column, label, , unit]) => {
      const values = data.series[column];
      const now = last(values);
      const name = label === unit ? label : `${label}, ${unit}`;
      return now === null
        ? `${name}: nothing yet`
        : `${name}: last ${decimal.format(now)}, most ${decimal.format(most(values))}`;
    });
    return `${chart.title}. ${parts.join('; ')}.`;
  }

  function buildCharts() {
    const place = document.getElementById('charts');
    for (const { plot } of charts.splice(0)) plot.destroy();
    place.replaceChildren();
    const made = CHARTS.map((chart) => {
      const body = element('div', { role: 'img' });
      const lines = drawn(chart);
      const keys = lines.map(([, label], index) =>
        element('span', { class: index === 0 ? 'key' : 'key two', textContent: label }),
      );
      if (lines.length < chart.lines.length) keys.push(element('span', { class: 'note', textContent: farText(chart) }));
      place.append(element('section', {}, element('h2', {}, chart.title, ...keys), body));
      return { chart, body, far: isFar(chart) };
    });
    // Only when all of them stand in the grid are their widths known.
    for (const { chart, body, far } of made) {
      const plot = new uPlot(chartOptions(chart, Math.max(200, body.clientWidth)), chartData(chart), body);
      charts.push({ chart, body, far, plot });
    }
    describeCharts();
  }

  function describeCharts() {
    for (const { chart, body } of charts) body.setAttribute('aria-label', chartText(chart));
  }

  /** What is said of a line that is not drawn. */
  function farText(chart) {
    const [column, label, , unit] = chart.lines.find(([name]) => name === chart.farLine);
    const value = last(data.series[column]);
    return value === null ? '' : `${label}: ${integer.format(value)} ${unit}, far above`;
  }

  function updateCharts() {
    if (charts.some(({ chart, far }) => far !== isFar(chart))) {
      buildCharts();
      return;
    }
    for (const { chart, plot } of charts) plot.setData(chartData(chart));
    describeCharts();
  }

  /** More rows than this nobody reads. */
  const MOST_SAMPLES = 60;

  /** What the charts show, for those who would rather read it. */
  function renderSamples() {
    const columns = CHARTS.flatMap((chart) =>
      chart.lines.map(([column, label, , unit]) => [
        column,
        `${chart.title}: ${label}${label === unit ? '' : `, ${unit}`}`,
      ]),
    );
    const heads = ['Time', ...columns.map(([, label]) => label)];
    document
      .getElementById('samples-head')
      .replaceChildren(...heads.map((label) => element('th', { scope: 'col', class: 'number', textContent: label })));
    const { time } = data.series;
    const step = Math.max(1, Math.ceil(time.length / MOST_SAMPLES));
    const shown = [...time.keys()].filter((index) => index % step === 0 || index === time.length - 1);
    document.getElementById('samples').replaceChildren(
      ...shown.map((index) =>
        element(
          'tr',
          {},
          element('th', { scope: 'row', class: 'number', textContent: duration(time[index]) }),
          ...columns.map(([column]) => {
            const value = data.series[column][index];
            return element('td', { class: 'number', textContent: value === null ? '–' : decimal.format(value) });
          }),
        ),
      ),
    );
  }

  // ---- Timeline ----

  const LANES_HEIGHT = 14;

  /** A table's bars: one lane for each connection that read it, over the line of what it waited for. */
  function timelineTrack(table, words) {
    const end = Math.max(data.seconds, 0.001);
    const to = table.to ?? data.seconds;
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

  function renderTimeline() {
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
          element('td', {}, timelineTrack(table, words)),
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
  }

  // ---- Tables and lists ----

  function renderTables() {
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

  // ---- Putting it together ----

  function render(next) {
    data = next;
    renderHead();
    showFigures();
    if (charts.length === 0) buildCharts();
    else updateCharts();
    renderSamples();
    renderTimeline();
    renderTables();
    renderList('failures', data.failures);
    renderList('warnings', data.warnings);
    renderList('advice', data.advice);
  }

  let resizing;
  window.addEventListener('resize', () => {
    clearTimeout(resizing);
    resizing = setTimeout(() => {
      for (const { body, plot } of charts) plot.setSize({ width: Math.max(200, body.clientWidth), height: HEIGHT });
    }, 100);
  });
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', buildCharts);

  if (live)
    poll({
      url: 'data.json',
      everyMs: 1000,
      render,
      gone: 'No answer: the sync has ended, or this machine lost it. What you see is its last word.',
    });
  else render(JSON.parse(holder.textContent));
})();
