// Draws the growth measurements as an SVG of four small charts.
const { COLORS, renderPanels } = require('./chart');

/** @typedef {import('./growth').GrowthPoint} Point */

/**
 * @param {import('./growth').Growth} growth
 * @returns {string}
 */
function renderGrowth({ rows, tables }) {
  /** @type {(points: Point[]) => { lines: import('./chart').Line[], unitY: string }} */
  const time = (points) => ({
    lines: [{ points: points.map(({ size, seconds }) => ({ x: size, y: seconds })) }],
    unitY: 's',
  });
  /** @type {typeof time} */
  const memory = (points) => {
    const drawn = points.map(({ size, peakBytes }) => ({ x: size, y: peakBytes / 1e6 }));
    return { lines: [{ points: drawn, color: COLORS[1] ?? '' }], unitY: 'MB' };
  };
  return renderPanels('How time and memory of pgsluice sync grow with rows and tables', [
    { title: 'Time by rows of orders', unitX: 'rows', ...time(rows) },
    { title: 'Peak memory by rows of orders', unitX: 'rows', ...memory(rows) },
    { title: 'Time by tables of 10 rows', unitX: 'tables', ...time(tables) },
    { title: 'Peak memory by tables of 10 rows', unitX: 'tables', ...memory(tables) },
  ]);
}

module.exports = { renderGrowth };
