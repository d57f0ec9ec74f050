// Draws which room of src/ imports which, as a mermaid flowchart, from what dependency-cruiser finds.
const { execFileSync } = require('node:child_process');
const { join } = require('node:path');

/** Layers whose rooms are drawn one by one. */
const WITH_ROOMS = ['engine', 'postgres'];
/** All may import these. */
const LEFT_OUT = new Set(['model', 'common']);

/** @typedef {Map<string, Set<string>>} Graph */

/** @returns {string} */
function drawLayers() {
  const imports = withoutDetours(roomImports());
  const rooms = [...imports.keys()].sort();
  const name = (/** @type {string} */ room) => room.replace('/', '_');
  const boxes = WITH_ROOMS.flatMap((layer) => [
    `  subgraph ${layer}`,
    ...rooms.filter((room) => room.startsWith(`${layer}/`)).map((room) => `    ${name(room)}["${room.split('/')[1]}"]`),
    '  end',
  ]);
  const arrows = rooms.flatMap((from) =>
    [...(imports.get(from) ?? [])].sort().map((to) => `  ${name(from)} --> ${name(to)}`),
  );
  return `${['flowchart TD', ...boxes, ...arrows].join('\n')}\n`;
}

/** @returns {Graph} by room, what it imports */
function roomImports() {
  const root = join(__dirname, '..');
  const arguments_ = ['--config', '.config/dependency-cruiser.cjs', '--output-type', 'json', 'src'];
  const text = execFileSync(join(root, 'node_modules', '.bin', 'depcruise'), arguments_, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  /** @type {{ modules: { source: string, dependencies: { resolved: string }[] }[] }} */
  const { modules } = JSON.parse(text);
  /** @type {Graph} */
  const imports = new Map();
  for (const { source, dependencies } of modules) {
    const from = roomOf(source);
    if (from === undefined) continue;
    const targets = imports.get(from) ?? new Set();
    imports.set(from, targets);
    for (const { resolved } of dependencies) {
      const to = roomOf(resolved);
      if (to !== undefined && to !== from) targets.add(to);
    }
  }
  return imports;
}

/** @param {string} file */
function roomOf(file) {
  const [top, layer, room] = file.split('/');
  if (top !== 'src' || layer === undefined || room === undefined || LEFT_OUT.has(layer)) return undefined;
  return WITH_ROOMS.includes(layer) ? `${layer}/${room}` : layer;
}

/**
 * Without the arrows that follow from others.
 * @param {Graph} graph without circles
 * @returns {Graph}
 */
function withoutDetours(graph) {
  /** @type {(from: string, to: string) => boolean} */
  const reaches = (from, to) => from === to || [...(graph.get(from) ?? [])].some((next) => reaches(next, to));
  return new Map(
    [...graph].map(([from, targets]) => {
      const needed = [...targets].filter((to) => ![...targets].some((other) => other !== to && reaches(other, to)));
      return [from, new Set(needed)];
    }),
  );
}

module.exports = { drawLayers };
