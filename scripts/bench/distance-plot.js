// Draws how the time of a load grows with the round trip, as an SVG of two small charts.
const { renderPanels } = require('./chart');

/** The programs that load the same table, highest line first. */
const PROGRAMS = /** @type {const} */ ([
  ['pyodbc', 'pyodbc fetchmany'],
  ['orders', 'pgsluice'],
  ['copy', 'COPY'],
]);

/**
 * @param {import('./distance').Distance} distance
 * @returns {string}
 */
function renderDistance({ far }) {
  /** @type {(kind: import('./distance').Kind) => import('./chart').Point[]} */
  const points = (kind) =>
    far
      .filter((it) => it.kind === kind && Number.isFinite(it.seconds))
      .map(({ roundTripMs, seconds }) => ({ x: roundTripMs, y: seconds }))
      .sort((a, b) => a.x - b.x);
  const axes = { unitX: 'ms of a round trip', unitY: 's' };
  const loads = PROGRAMS.map(([kind, name]) => ({ name, points: points(kind) })).filter(
    ({ points: it }) => it.length > 0,
  );
  return renderPanels('How the time of a sync grows with the way to the server', [
    { title: 'Time of a load of orders', lines: loads, ...axes },
    { title: 'pgsluice, nothing has changed', lines: [{ points: points('unchanged') }], ...axes },
  ]);
}

module.exports = { renderDistance };
