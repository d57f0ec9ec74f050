// Layers, circles and the one importer of the ODBC package: dependency-cruiser.cjs.
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/**', 'build/**', 'node_modules/**', 'files/**', 'coverage/**'] },
  ...tseslint.configs.recommended,
  {
    files: ['src/**/*.ts', 'test/**/*.ts', 'scripts/**/*.ts'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { project: ['tsconfig.json', 'test/tsconfig.json'], tsconfigRootDir: `${import.meta.dirname}/..` },
    },
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/unbound-method': ['error', { ignoreStatic: true }],
      'no-console': 'error',
    },
  },
  {
    // The scripts run as they are, without a build: they are plain CommonJS, and their types stand in comments.
    files: ['**/*.{js,cjs}'],
    rules: { '@typescript-eslint/no-require-imports': 'off', 'max-lines-per-function': ['error', 80] },
  },
  {
    // A require inside a function is the only way to load a module late in CommonJS that Jest can follow as well.
    files: ['src/cli/lazy*.ts', 'src/postgres/connection/odbc-driver.ts', 'src/destinations/duckdb/library.ts'],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    // A comment is a sentence: it has a subject.
    rules: { 'no-warning-comments': ['error', { terms: ['of', 'whoever'], location: 'start', decoration: ['*'] }] },
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
