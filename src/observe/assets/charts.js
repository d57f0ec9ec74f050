// The charts of a sync, and what they show as a table.
'use strict';

{
  /* global pgsluice, uPlot */
  const { element, integer, decimal, duration, last, most } = pgsluice;
  const HEIGHT = 170;
  const charts = [];
  let data;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

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

  let resizing;
  window.addEventListener('resize', () => {
    clearTimeout(resizing);
    resizing = setTimeout(() => {
      for (const { body, plot } of charts) plot.setSize({ width: Math.max(200, body.clientWidth), height: HEIGHT });
    }, 100);
  });
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    if (data !== undefined) buildCharts();
  });

  pgsluice.renderCharts = (next) => {
    data = next;
    if (charts.length === 0) buildCharts();
    else updateCharts();
    renderSamples();
  };
}
