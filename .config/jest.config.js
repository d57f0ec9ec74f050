// Tests run against the TypeScript sources, transpiled by swc; types are checked by `npm run lint`.
/** @type {import('jest').Config} */
module.exports = {
  rootDir: '..',
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
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
  // Two cores: the server and DuckDB need the other one.
  maxWorkers: 2,
  testTimeout: 60_000,
};
