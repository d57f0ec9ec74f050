import { isTooLarge, losesConnection, translateOdbcError } from '../../../../src/postgres/connection/odbc-error';

const odbcError = (state: string, message: string): Error =>
  Object.assign(new Error('[odbc] Error'), { odbcErrors: [{ state, code: 1, message }] });

test.each([
  ['57P01', 'terminating connection', 'server_shutdown', true, true],
  ['25P04', 'terminating connection due to transaction timeout', 'transaction_timeout', true, true],
  ['08S01', 'lost', 'connection_lost', true, true],
  ['40001', 'could not serialize', 'serialization_failure', true, false],
  ['40P01', 'deadlock detected', 'deadlock', true, false],
  ['53200', 'out of memory', 'server_resources', true, false],
  ['53300', 'sorry, too many clients already', 'too_many_connections', true, true],
  ['28P01', 'password authentication failed', 'login_failed', false, true],
  ['26000', 'prepared statement "t" does not exist', 'settings_lost', false, true],
  ['42501', 'permission denied for table t', 'permission_denied', false, false],
  ['42601', 'syntax error', 'odbc_error', false, false],
  ['42P01', 'relation does not exist', 'table_missing', false, false],
])('%s (%s) is %s', (state, message, code, retryable, lost) => {
  const error = translateOdbcError(
    odbcError(state, `ERROR: ${message};\nError while executing the query`),
    'reading t',
  );
  expect(error).toMatchObject({ code, retryable, sqlState: state });
  expect(losesConnection(error)).toBe(lost);
  expect(error.message).toBe(`${message} (while reading t, SQLSTATE ${state}).`);
});

test.each([
  ['FATAL:  password authentication failed for user "x"', '28P01', false],
  ['FATAL:  role "x" does not exist', '28P01', false],
  ['FATAL:  no pg_hba.conf entry for host', '28P01', false],
  ['FATAL:  database "x" does not exist', '3D000', false],
  ['FATAL:  sorry, too many clients already', '53300', true],
  ['connection refused', '08001', true],
  ['server does not support SSL, but SSL was required', '08001', false],
  ['SSL error: certificate verify failed', '08001', false],
  ['root certificate file "/x/root.crt" does not exist', '08001', false],
  ['SSL SYSCALL error: EOF detected', '08001', true],
])('at login, psqlODBC calls everything 08001: %s', (message, state, retryable) => {
  expect(translateOdbcError(odbcError('08001', message), 'connecting')).toMatchObject({ sqlState: state, retryable });
});

test('running out of room in a statement is told from running out for good', () => {
  const too = (state: string, message: string): boolean =>
    isTooLarge(translateOdbcError(odbcError(state, message), 'reading'));
  expect(too('54000', 'out of memory: Cannot enlarge string buffer')).toBe(true);
  expect(too('XX000', 'ERROR: invalid memory alloc request size 1600000000')).toBe(true);
  expect(too('XX000', 'ERROR: cache lookup failed')).toBe(false);
  expect(too('42601', 'syntax error')).toBe(false);
});

test.each([
  ['permission denied for function pg_current_snapshot', 'Run: GRANT EXECUTE ON FUNCTION pg_current_snapshot TO '],
  ['permission denied for view pg_indexes', 'Run: GRANT SELECT ON pg_catalog.pg_indexes TO '],
  ['permission denied for table orders', 'Grant the role USAGE on the schema and SELECT on the table.'],
])('%s: the hint names what to grant', (message, hint) => {
  expect(translateOdbcError(odbcError('42501', message), 'reading').hint).toContain(hint);
});
