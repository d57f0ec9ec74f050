// Tests run against the TypeScript sources, transpiled by swc; types are checked by `npm run lint`.
const ROOT = require('node:path').join(__dirname, '..');

/** @type {import('jest').Config} */
const common = {
  rootDir: ROOT,
  testEnvironment: 'node',
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/build/'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'commonjs', ignoreDynamic: true },
      },
    ],
  },
  globalSetup: '<rootDir>/test/helpers/global-setup.ts',
  globalTeardown: '<rootDir>/test/helpers/global-teardown.ts',
  // Not in /tmp, where jest would leave it.
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
};

// What the file promises, a lake promises as well: the same tests, where they do not look at the file itself.
const ON_BOTH = [
  'test/integration/app/{customization,forget}',
  'test/integration/destinations/{table-names,two-databases,warehouse-tables}',
  'test/integration/engine/{equal-by-default,incremental,keyless-tables,keys,log,log-slots,log-tables,log-transactions,schema-evolution,second-sync,transformations,verify,warehouse-as-left}',
  'test/integration/types/{compare,every,hostile-values,numbers,python,structured,text,times}',
  'test/property/{equality,regressions}',
  'test/faults/{named-points,random-faults}',
];

/** @type {import('jest').Config} */
module.exports = {
  rootDir: ROOT,
  projects: [
    { ...common, displayName: 'file', testMatch: ['<rootDir>/test/**/*.test.ts'] },
    {
      ...common,
      displayName: 'lake',
      testMatch: ON_BOTH.map((path) => `<rootDir>/${path}.test.ts`),
      setupFiles: ['<rootDir>/.config/jest-lake.js'],
    },
  ],
  // Two cores: the server and DuckDB need the other one.
  maxWorkers: 2,
  // It ends what hangs. How long a test may take depends on what else the machine does, so none has a limit of its own.
  testTimeout: 1_200_000,
};
