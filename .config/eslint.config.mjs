import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';

// The layers, top to bottom. A layer may import itself and what is listed; nothing else.
/** @type {Readonly<Record<string, readonly string[]>>} */
const mayImport = {
  bin: [],
  cli: ['fivetran', 'app', 'config', 'sync', 'model', 'common', 'native'],
  fivetran: ['app', 'config', 'sync', 'destination', 'native', 'model', 'common'],
  app: ['config', 'sync', 'source', 'destination', 'native', 'model', 'common'],
  sync: ['source', 'destination', 'native', 'model', 'common'],
  source: ['model', 'common'],
  destination: ['model', 'common'],
  native: ['model', 'common'],
  config: ['model', 'common'],
  model: ['common'],
  common: [],
};
const layers = Object.keys(mayImport);
const zones = layers.map((layer) => ({
  target: `./src/${layer}`,
  from: layers
    .filter((other) => other !== layer && !mayImport[layer]?.includes(other))
    .map((other) => `./src/${other}`),
  message: `src/${layer} may import only: ${[layer, ...(mayImport[layer] ?? [])].join(', ')}.`,
}));

export default tseslint.config(
  { ignores: ['dist/**', 'build/**', 'node_modules/**', 'files/**', 'coverage/**'] },
  ...tseslint.configs.recommended,
  {
    files: ['src/**/*.ts', 'test/**/*.ts', 'scripts/**/*.ts'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { project: ['tsconfig.json', 'test/tsconfig.json'], tsconfigRootDir: `${import.meta.dirname}/..` },
    },
    plugins: { 'import-x': importX },
    settings: {
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [importX.createNodeResolver({ extensions: ['.ts', '.js'] })],
    },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
      'import-x/no-cycle': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/unbound-method': ['error', { ignoreStatic: true }],
      'no-console': 'error',
    },
  },
  {
    // The scripts run as they are, without a build: they are plain CommonJS, and their types stand in comments.
    files: ['**/*.js'],
    rules: { '@typescript-eslint/no-require-imports': 'off', 'max-lines-per-function': ['error', 80] },
  },
  {
    // Only the driver module may touch the ODBC package: every trap of it is handled in one place.
    files: ['src/**/*.ts'],
    ignores: ['src/postgres/connection/odbc-driver.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { paths: [{ name: 'odbc', message: 'Import postgres/connection/odbc-driver instead.' }] },
      ],
    },
  },
  {
    // Comments and blank lines count: what is long is long to read.
    files: ['src/**/*.ts'],
    rules: {
      'max-lines-per-function': ['error', 80],
      'max-lines': ['error', 350],
      'max-params': ['error', 5],
    },
  },
  {
    // Tables of data, which are read line by line.
    files: ['src/config/options.ts'],
    rules: { 'max-lines': 'off' },
  },
  {
    // Node's own signature of a module's function.
    files: ['src/bin/pgsluice.ts'],
    rules: { 'max-params': ['error', 6] },
  },
);
