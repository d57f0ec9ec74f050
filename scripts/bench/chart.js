// Draws small charts into an SVG. Each starts at zero, so that a straight line is one.
const PANEL = { width: 380, height: 240, left: 58, right: 18, top: 34, bottom: 42 };
const COLORS = ['#0969da', '#bf3989', '#1a7f37'];

/**
 * @typedef {{ x: number, y: number }} Point
 * @typedef {{ name?: string, points: Point[], color?: string }} Line a line without a name is the only one of its panel
 * @typedef {{ title: string, lines: Line[], unitX: string, unitY: string }} Panel
 */

/**
 * @param {string} title
 * @param {Panel[]} panels two in a row
 * @returns {string}
 */
function renderPanels(title, panels) {
  const placed = panels.map(
    (content, index) =>
      `<g transform="translate(${(index % 2) * PANEL.width} ${Math.floor(index / 2) * PANEL.height})">${panel(content)}</g>`,
  );
  const [width, height] = [PANEL.width * Math.min(panels.length, 2), PANEL.height * Math.ceil(panels.length / 2)];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="11" fill="#1f2328">
<title>${title}</title>
<rect width="${width}" height="${height}" fill="#ffffff"/>
${placed.join('\n')}
</svg>
`;
}

/** @param {Panel} panel */
function panel({ title, lines, unitX, unitY }) {
  const { width, height, left, right, top, bottom } = PANEL;
  const points = lines.flatMap((line) => line.points);
  const maxX = Math.max(1, ...points.map((point) => point.x));
  const most = Math.max(1e-3, ...points.map((point) => point.y));
  const stepY = niceStep(most / 4);
  const maxY = stepY * Math.ceil(most / stepY);
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
  const drawn = lines.map((line, index) => {
    const color = line.color ?? COLORS[index % COLORS.length];
    const name = line.name === undefined ? '' : `${line.name}, `;
    const dots = line.points.map(
      (point) =>
        `<circle cx="${x(point.x)}" cy="${y(point.y)}" r="3.5" fill="${color}"><title>${name}${point.x.toLocaleString('en')} ${unitX}: ${point.y.toFixed(2)} ${unitY}</title></circle>`,
    );
    const along = line.points.map((point) => `${x(point.x)},${y(point.y)}`).join(' ');
    return [`<polyline points="${along}" fill="none" stroke="${color}" stroke-width="2"/>`, ...dots].join('\n');
  });
  const names = lines.flatMap((line, index) => {
    const last = line.points.at(-1);
    if (line.name === undefined || last === undefined) return [];
    const color = line.color ?? COLORS[index % COLORS.length];
    return `<text x="${x(last.x)}" y="${y(last.y) - 8}" text-anchor="end" fill="${color}" font-weight="600">${line.name}</text>`;
  });
  return [
    `<text x="${left}" y="18" font-size="13" font-weight="600">${title}</text>`,
    ...grid,
    ...ticks,
    `<text x="${width - right}" y="${height - 8}" text-anchor="end" fill="#59636e">${unitX}</text>`,
    `<text x="${left - 6}" y="${top - 6}" text-anchor="end" fill="#59636e">${unitY}</text>`,
    ...drawn,
    ...names,
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

module.exports = { COLORS, renderPanels };
