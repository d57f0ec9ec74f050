/** The tests that the setup form announces, in the order in which one depends on another. */
export const CONNECTION_TESTS = [
  { name: 'settings', label: 'The configuration is complete, and the server and its settings will do' },
  { name: 'driver', label: 'The ODBC driver for PostgreSQL is installed where pgsluice runs' },
  { name: 'connection', label: 'The server can be reached' },
  { name: 'credentials', label: 'The role can log in to the database' },
  { name: 'permissions', label: 'The role may read every selected table' },
  { name: 'sync_mode', label: 'The tables meet what the sync mode needs' },
] as const;

export type TestName = (typeof CONNECTION_TESTS)[number]['name'];

export function isTestName(name: string): name is TestName {
  return CONNECTION_TESTS.some((test) => test.name === name);
}
