// The page of a sync: live when it is served, finished when it is a file. Every text goes in as text (textContent),
// since table names and errors come from a database that may hold anything.
'use strict';

(() => {
  /* global uPlot */
  const holder = document.getElementById('data');
  const live = holder.textContent.trim() === '';
  const POLL_MS = 1000;
  const HEIGHT = 170;
  const charts = [];
  let paused = false;
  let data;

  // ---- Small helpers ----

  const integer = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
  const decimal = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

  function element(name, properties = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (key === 'class') made.className = value;
      else if (key in made) made[key] = value;
      else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  const number = (value) => (value === null || value === undefined ? '–' : integer.format(value));

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

  function duration(seconds) {
    if (seconds === null || seconds === undefined) return '–';
    if (seconds < 60) return `${decimal.format(seconds)} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
    return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
  }

  const last = (values) => values.findLast((value) => value !== null) ?? null;
  /** A table's name, breakable where its parts end. */
  function nameCell(name) {
    const parts = name.split(/(?<=[._])/).flatMap((part) => [part, element('wbr')]);
    return element('th', { scope: 'row' }, ...parts.slice(0, -1));
  }

  const most = (values) => values.reduce((top, value) => (top === null || value > top ? (value ?? top) : top), null);
  const percent = (value) => (value === null || Number.isNaN(value) ? '–' : `${integer.format(value)} %`);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // ---- Head and figures ----

  function renderHead() {
    const good = data.state === 'succeeded';
    const bad = ['failed', 'some tables failed', 'interrupted'].includes(data.state);
    const state = document.getElementById('state');
    state.textContent = data.state;
    state.className = `state ${good ? 'good' : bad ? 'bad' : ''}`;
    document.title = `pgsluice: ${data.state}, ${data.source}`;
    document.getElementById('source').textContent = data.source;
    const started = new Date(data.startedAt).toISOString().replace('T', ' ').slice(0, 19);
    document.getElementById('sub').textContent = `into ${data.warehouse}, started ${started} UTC`;
    const error = document.getElementById('error');
    error.textContent = data.error ?? '';
    error.hidden = data.error === null;
  }

  function renderFigures() {
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
      ['Checkpoints', number(data.checkpoints)],
    ];
    document
      .getElementById('figures')
      .replaceChildren(
        ...figures.map(([name, value]) =>
          element('div', {}, element('dt', { textContent: name }), element('dd', { textContent: value })),
        ),
      );
  }

  // ---- Charts ----

  const CHARTS = [
    {
      title: 'Throughput',
      lines: [
        ['rowsPerSecond', 'rows/s', 'y'],
        ['megabytesPerSecond', 'MB/s', 'right'],
      ],
    },
    {
      title: 'Memory against its limit',
      lines: [
        ['rssMegabytes', 'this process, MB', 'y'],
        ['memoryLimitMegabytes', 'limit, MB', 'y'],
      ],
    },
    { title: 'CPU', lines: [['cpuPercent', 'percent of what may be used', 'y']], top: 100 },
    {
      title: 'Batch size and readers',
      lines: [
        ['batchRows', 'rows a batch', 'y'],
        ['readers', 'readers', 'right'],
      ],
      steps: true,
    },
    { title: 'Retries', lines: [['retries', 'so far', 'y']], steps: true, top: 1 },
  ];

  function chartOptions(chart, width) {
    const axis = {
      stroke: colour('--soft'),
      grid: { stroke: colour('--grid'), width: 1 },
      ticks: { stroke: colour('--grid') },
    };
    const short = (_plot, values) =>
      values.map((value) => (value >= 10000 ? `${decimal.format(value / 1000)}k` : decimal.format(value)));
    const right = chart.lines.some(([, , scale]) => scale === 'right');
    const from = (scale) => (_plot, _low, high) => [
      0,
      Math.max(scale === 'y' ? (chart.top ?? 0) : 0, (high ?? 0) * 1.05, 1e-9),
    ];
    return {
      width,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false },
      scales: { x: { time: false }, y: { range: from('y') }, right: { range: from('right') } },
      axes: [
        { ...axis, values: (_plot, values) => values.map((value) => duration(value)), space: 70, size: 30 },
        { ...axis, values: short, size: 56 },
        ...(right ? [{ ...axis, scale: 'right', side: 1, values: short, size: 50, grid: { show: false } }] : []),
      ],
      series: [
        {},
        ...chart.lines.map(([, label, scale], index) => ({
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

  const chartData = (chart) => [data.series.time, ...chart.lines.map(([column]) => data.series[column])];

  /** The chart in words, for those who do not see it. */
  function chartText(chart) {
    const parts = chart.lines.map(([column, label]) => {
      const values = data.series[column];
      const now = last(values);
      return now === null
        ? `${label}: nothing yet`
        : `${label}: last ${decimal.format(now)}, most ${decimal.format(most(values))}`;
    });
    return `${chart.title}. ${parts.join('; ')}.`;
  }

  function buildCharts() {
    const place = document.getElementById('charts');
    for (const { plot } of charts.splice(0)) plot.destroy();
    place.replaceChildren();
    const made = CHARTS.map((chart) => {
      const body = element('div', { role: 'img' });
      const keys = chart.lines.map(([, label], index) =>
        element('span', { class: index === 0 ? 'key' : 'key two', textContent: label }),
      );
      place.append(element('section', {}, element('h2', {}, chart.title, ...keys), body));
      return { chart, body };
    });
    // Only when all of them stand in the grid are their widths known.
    for (const { chart, body } of made) {
      const plot = new uPlot(chartOptions(chart, Math.max(200, body.clientWidth)), chartData(chart), body);
      charts.push({ chart, body, plot });
    }
    describeCharts();
  }

  function describeCharts() {
    for (const { chart, body } of charts) body.setAttribute('aria-label', chartText(chart));
  }

  function updateCharts() {
    for (const { chart, plot } of charts) plot.setData(chartData(chart));
    describeCharts();
  }

  // ---- Timeline ----

  function renderTimeline() {
    const end = Math.max(data.seconds, 0.001);
    const begun = data.tables.filter((table) => table.from !== null);
    const rows = begun.map((table) => {
      const to = table.to ?? data.seconds;
      const track = element('div', { class: 'track', role: 'img' });
      const bar = (name, from, until, title) => {
        const span = element('span', { class: name, title });
        span.style.left = `${(100 * from) / end}%`;
        span.style.width = `${Math.max(0, (100 * (until - from)) / end)}%`;
        track.append(span);
      };
      const connections = [...new Set(table.spans.map((span) => span.connection))];
      const words = [
        `${duration(to - table.from)}, from ${duration(table.from)}`,
        connections.length === 0 ? '' : `read over connection ${connections.join(', ')}`,
        table.waitedForReader > 0.05 ? `waited ${duration(table.waitedForReader)} for a reader` : '',
        table.waitedForWarehouse > 0.05 ? `waited ${duration(table.waitedForWarehouse)} for the warehouse` : '',
        table.error ?? '',
      ].filter((text) => text !== '');
      bar('whole', table.from, to, `${table.name}: ${words.join('; ')}`);
      for (const span of table.spans) {
        bar(
          'reading',
          span.from,
          span.to,
          `${table.name}: connection ${span.connection} reads, ${duration(span.from)} to ${duration(span.to)}`,
        );
      }
      track.setAttribute('aria-label', words.join('; '));
      return element(
        'tr',
        { class: table.error === null ? '' : 'failed' },
        nameCell(table.name),
        element('td', {}, track),
        element('td', { class: 'number', textContent: duration(to - table.from) }),
      );
    });
    document.getElementById('timeline').replaceChildren(...rows);
    document.getElementById('timeline-end').textContent = duration(data.seconds);
    const left = document.getElementById('timeline-left');
    left.textContent = data.tablesLeftOut > 0 ? `${number(data.tablesLeftOut)} shorter tables are not shown.` : '';
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
          ),
        ),
      );
  }

  function renderList(id, texts) {
    document.getElementById(id).replaceChildren(...texts.map((text) => element('li', { textContent: text })));
    document.getElementById(`${id}-section`).hidden = texts.length === 0;
  }

  // ---- Putting it together ----

  function render(next) {
    data = next;
    renderHead();
    renderFigures();
    if (charts.length === 0) buildCharts();
    else updateCharts();
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

  const notice = document.getElementById('notice');

  async function poll() {
    if (!paused) {
      try {
        const response = await fetch('data.json', { cache: 'no-store' });
        if (!response.ok) throw new Error(String(response.status));
        render(await response.json());
        notice.textContent = '';
      } catch {
        notice.textContent = 'No answer: the sync has ended, or this machine lost it. What you see is its last word.';
      }
    }
    setTimeout(() => void poll(), POLL_MS);
  }

  if (live) {
    const pause = document.getElementById('pause');
    pause.hidden = false;
    pause.addEventListener('click', () => {
      paused = !paused;
      pause.textContent = paused ? 'Go on' : 'Pause';
      pause.setAttribute('aria-pressed', String(paused));
    });
    void poll();
  } else {
    render(JSON.parse(holder.textContent));
  }
})();
