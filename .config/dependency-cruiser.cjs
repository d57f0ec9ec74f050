// The layers of src/, held by dependency-cruiser: imports point downwards, type imports included, and never in a circle.

// Top to bottom. A layer may import itself and what is listed; nothing else.
/** @type {Record<string, string[]>} */
const mayImport = {
  bin: [],
  cli: ['fivetran', 'fleet', 'observe', 'app', 'engine', 'config', 'native', 'model', 'common'],
  fivetran: ['app', 'engine', 'destinations', 'config', 'native', 'model', 'common'],
  fleet: ['app', 'engine', 'destinations', 'config', 'native', 'model', 'common'],
  observe: ['engine', 'config', 'native', 'model', 'common'],
  app: ['engine', 'postgres', 'destinations', 'config', 'native', 'model', 'common'],
  engine: ['postgres', 'destinations', 'native', 'model', 'common'],
  postgres: ['model', 'common'],
  destinations: ['native', 'model', 'common'],
  native: ['model', 'common'],
  config: ['model', 'common'],
  model: ['common'],
  common: [],
};

// Rooms within a layer, in the order in which they may import: a room imports those after it.
const rooms = {
  engine: ['verify', 'passes', 'write', 'plan', 'pressure', 'rules'],
  postgres: ['checksum', 'read', 'log', 'catalog', 'connection'],
};

// Folders that are entered through their index.ts only, by whoever is outside of them.
const withDoor = [
  ...Object.entries(rooms).flatMap(([layer, names]) => names.map((name) => `${layer}/${name}`)),
  'destinations/duckdb',
  'destinations/ducklake',
  'observe',
  'fleet',
];

// A door may be passed by these files only, to load a part without the rest of the room.
const pastDoor = {
  // OpenTelemetry and the page's server and metrics are heavy, and are wished for apart from each other.
  'observe/traces': 'cli/lazy',
};

const layers = Object.keys(mayImport);
const within = (/** @type {string} */ layer) => [layer, ...(mayImport[layer] ?? [])];

module.exports = {
  forbidden: [
    {
      name: 'no-circle',
      severity: 'error',
      comment: 'Files that import each other cannot be understood, or loaded, one at a time.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unknown-import',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'odbc-in-one-place',
      severity: 'error',
      comment: 'Every trap of the ODBC package is handled in one file; import postgres/connection instead.',
      from: { pathNot: '^src/postgres/connection/odbc-driver[.]ts$' },
      to: { path: '^node_modules/odbc/' },
    },
    ...layers.map((layer) => ({
      name: `layer-${layer}`,
      severity: 'error',
      comment: `src/${layer} may import only: ${within(layer).join(', ')}.`,
      from: { path: `^src/${layer}/` },
      to: { path: '^src/', pathNot: `^src/(${within(layer).join('|')})/` },
    })),
    ...Object.entries(rooms).flatMap(([layer, names]) =>
      names.slice(1).map((name, index) => ({
        name: `room-${layer}-${name}`,
        severity: 'error',
        comment: `src/${layer}/${name} may not import the rooms above it.`,
        from: { path: `^src/${layer}/${name}/` },
        to: { path: `^src/${layer}/(${names.slice(0, index + 1).join('|')})/` },
      })),
    ),
    ...withDoor.map((folder) => ({
      name: `door-${folder.replace('/', '-')}`,
      severity: 'error',
      comment: `src/${folder} is entered through its index.ts.`,
      from: { path: '^src/', pathNot: `^src/${folder}/` },
      to: {
        path: `^src/${folder}/`,
        pathNot: [`^src/${folder}/index[.]ts$`, ...Object.keys(pastDoor).map((file) => `^src/${file}[.]ts$`)],
      },
    })),
    ...Object.entries(pastDoor).map(([file, importer]) => ({
      name: `past-door-${file.replace('/', '-')}`,
      severity: 'error',
      comment: `Outside of its room, only src/${importer}.ts may import src/${file}.ts; types come from the door.`,
      from: { path: '^src/', pathNot: [`^src/${file.slice(0, file.lastIndexOf('/'))}/`, `^src/${importer}[.]ts$`] },
      to: { path: `^src/${file}[.]ts$` },
    })),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
