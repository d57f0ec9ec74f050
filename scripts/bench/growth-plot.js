// Draws the growth measurements as an SVG of four small charts. Each starts at zero, so that a straight line is one.
const PANEL = { width: 380, height: 240, left: 58, right: 18, top: 34, bottom: 42 };
const COLORS = { time: '#0969da', memory: '#bf3989' };

/** @typedef {import('./growth').GrowthPoint} Point */

/**
 * @param {import('./growth').Growth} growth
 * @returns {string}
 */
function renderGrowth(growth) {
  /** @type {(point: Point) => number} */
  const seconds = (point) => point.seconds;
  /** @type {(point: Point) => number} */
  const megabytes = (point) => point.peakBytes / 1e6;
  const time = { unitY: 's', valueOf: seconds, color: COLORS.time };
  const memory = { unitY: 'MB', valueOf: megabytes, color: COLORS.memory };
  const panels = [
    panel('Time by rows of orders', growth.rows, { ...time, unitX: 'rows' }),
    panel('Peak memory by rows of orders', growth.rows, { ...memory, unitX: 'rows' }),
    panel('Time by tables of 10 rows', growth.tables, { ...time, unitX: 'tables' }),
    panel('Peak memory by tables of 10 rows', growth.tables, { ...memory, unitX: 'tables' }),
  ];
  const placed = panels.map(
    (content, index) =>
      `<g transform="translate(${(index % 2) * PANEL.width} ${Math.floor(index / 2) * PANEL.height})">${content}</g>`,
  );
  const [width, height] = [PANEL.width * 2, PANEL.height * 2];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="11" fill="#1f2328">
<title>How time and memory of pgsluice sync grow with rows and tables</title>
<rect width="${width}" height="${height}" fill="#ffffff"/>
${placed.join('\n')}
</svg>
`;
}

/**
 * @param {string} title
 * @param {Point[]} points
 * @param {{ unitX: string, unitY: string, valueOf: (point: Point) => number, color: string }} axes
 */
function panel(title, points, { unitX, unitY, valueOf, color }) {
  const { width, height, left, right, top, bottom } = PANEL;
  const maxX = Math.max(1, ...points.map((point) => point.size));
  const stepY = niceStep(Math.max(1e-3, ...points.map(valueOf)) / 4);
  const maxY = stepY * Math.ceil(Math.max(1e-3, ...points.map(valueOf)) / stepY);
  /** @type {(value: number) => number} */
  const x = (value) => round(left + (value / maxX) * (width - left - right));
  /** @type {(value: number) => number} */
  const y = (value) => round(height - bottom - (value / maxY) * (height - top - bottom));
  const grid = Array.from({ length: Math.round(maxY / stepY) + 1 }, (_, index) => index * stepY).map(
    (value) =>
      `<line x1="${left}" x2="${width - right}" y1="${y(value)}" y2="${y(value)}" stroke="#d1d9e0"/>` +
      `<text x="${left - 6}" y="${y(value) + 4}" text-anchor="end">${compact(value)}</text>`,
  );
  const stepX = niceStep(maxX / 4);
  const ticks = Array.from({ length: Math.floor(maxX / stepX) + 1 }, (_, index) => index * stepX).map(
    (value) => `<text x="${x(value)}" y="${height - bottom + 16}" text-anchor="middle">${compact(value)}</text>`,
  );
  const line = points.map((point) => `${x(point.size)},${y(valueOf(point))}`).join(' ');
  const dots = points.map(
    (point) =>
      `<circle cx="${x(point.size)}" cy="${y(valueOf(point))}" r="3.5" fill="${color}"><title>${point.size.toLocaleString('en')} ${unitX}: ${valueOf(point).toFixed(2)} ${unitY}</title></circle>`,
  );
  return [
    `<text x="${left}" y="18" font-size="13" font-weight="600">${title}</text>`,
    ...grid,
    ...ticks,
    `<text x="${width - right}" y="${height - 8}" text-anchor="end" fill="#59636e">${unitX}</text>`,
    `<text x="${left - 6}" y="${top - 6}" text-anchor="end" fill="#59636e">${unitY}</text>`,
    `<polyline points="${line}" fill="none" stroke="${color}" stroke-width="2"/>`,
    ...dots,
  ].join('\n');
}

/**
 * Returns 1, 2 or 5 times a power of ten, not below `rough`.
 * @param {number} rough
 */
function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5, 10].find((it) => it * power >= rough) ?? 10);
}

/** @param {number} value */
function compact(value) {
  if (value >= 1e6) return `${round(value / 1e6)}M`;
  if (value >= 1e3) return `${round(value / 1e3)}k`;
  return String(round(value));
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}

module.exports = { renderGrowth };
