import { ConnectorError, type ErrorKind } from '../../common/errors';
import { POOLER_HINT } from './session-settings';

interface OdbcDiagnostic {
  readonly state?: string;
  readonly code?: number;
  readonly message?: string;
}

interface StateRule {
  /** A whole SQLSTATE, or its class of two characters. */
  readonly state: string;
  readonly code: string;
  readonly kind: ErrorKind;
  readonly retryable: boolean;
  /** The connection cannot be used any more. */
  readonly losesConnection?: boolean;
  readonly hint?: string;
}

/**
 * What is retried and what is not, by SQLSTATE (PostgreSQL, appendix A; ODBC's own 08S01, HYT00, HY000).
 * The longest match wins. Authentication, permission and syntax are never retried: they cannot heal.
 */
const RULES: readonly StateRule[] = [
  { state: '08', code: 'connection_lost', kind: 'connection', retryable: true, losesConnection: true },
  {
    state: '08001',
    code: 'server_unreachable',
    kind: 'connection',
    retryable: true,
    losesConnection: true,
    hint: 'Check "host" and "port", and that the server is running.',
  },
  { state: '08P01', code: 'protocol_violation', kind: 'connection', retryable: true, losesConnection: true },
  {
    state: '28',
    code: 'login_failed',
    kind: 'connection',
    retryable: false,
    losesConnection: true,
    // The server does not tell an unknown client which of these it was.
    hint: 'Check "username" and "password", whether the password has expired (VALID UNTIL), and the server\'s pg_hba.conf.',
  },
  {
    state: '3D000',
    code: 'database_missing',
    kind: 'connection',
    retryable: false,
    losesConnection: true,
    hint: 'Check "database".',
  },
  { state: '53', code: 'server_resources', kind: 'source', retryable: true },
  {
    state: '53300',
    code: 'too_many_connections',
    kind: 'connection',
    retryable: true,
    losesConnection: true,
    hint: 'Lower "custom_threads" or raise max_connections on the server.',
  },
  { state: '57P01', code: 'server_shutdown', kind: 'connection', retryable: true, losesConnection: true },
  { state: '57P02', code: 'server_crash', kind: 'connection', retryable: true, losesConnection: true },
  { state: '57P03', code: 'server_starting', kind: 'connection', retryable: true, losesConnection: true },
  { state: '57P05', code: 'idle_session_ended', kind: 'connection', retryable: true, losesConnection: true },
  {
    state: '57014',
    code: 'statement_canceled',
    kind: 'source',
    retryable: true,
    hint: 'If statement_timeout ended it, raise "statement_timeout_seconds" or lower "custom_batch_size".',
  },
  { state: 'HYT00', code: 'timeout', kind: 'connection', retryable: true, losesConnection: true },
  { state: 'HYT01', code: 'timeout', kind: 'connection', retryable: true, losesConnection: true },
  { state: '40001', code: 'serialization_failure', kind: 'source', retryable: true },
  { state: '40P01', code: 'deadlock', kind: 'source', retryable: true },
  {
    state: '55P03',
    code: 'lock_timeout',
    kind: 'source',
    retryable: true,
    hint: 'Another session holds a strong lock on the table; try again later or raise "lock_timeout_seconds".',
  },
  { state: '25P03', code: 'idle_transaction_ended', kind: 'connection', retryable: true, losesConnection: true },
  { state: '25P04', code: 'transaction_timeout', kind: 'connection', retryable: true, losesConnection: true },
  { state: '25006', code: 'read_only', kind: 'source', retryable: false },
  {
    state: '42501',
    code: 'permission_denied',
    kind: 'source',
    retryable: false,
    hint: 'Grant the role USAGE on the schema and SELECT on the table.',
  },
  {
    state: '42P01',
    code: 'table_missing',
    kind: 'source',
    retryable: false,
    hint: 'The table was dropped or renamed after discovery; the next sync will not look for it.',
  },
  {
    state: '42703',
    code: 'column_missing',
    kind: 'source',
    retryable: false,
    hint: 'The table was altered after discovery; run the sync again.',
  },
  {
    // A function that exists for one type does not exist for another.
    state: '42883',
    code: 'function_missing',
    kind: 'source',
    retryable: false,
    hint: 'If the table was altered meanwhile, run the sync again; else a transformation calls what this server does not have.',
  },
  {
    // A prepared statement is gone, because another server answers than the one it was prepared on.
    state: '26000',
    code: 'settings_lost',
    kind: 'connection',
    retryable: false,
    losesConnection: true,
    hint: POOLER_HINT,
  },
  { state: '54000', code: 'batch_too_large', kind: 'source', retryable: false },
  { state: '58', code: 'server_system_error', kind: 'source', retryable: true },
  {
    state: 'IM002',
    code: 'data_source_missing',
    kind: 'connection',
    retryable: false,
    hint: 'Check "dsn" against odbc.ini (odbcinst -q -s lists the data sources).',
  },
  {
    state: 'IM003',
    code: 'driver_not_loadable',
    kind: 'connection',
    retryable: false,
    hint: "The driver's library or one it needs is missing; reinstall psqlODBC.",
  },
  {
    state: '01000',
    code: 'driver_not_loadable',
    kind: 'connection',
    retryable: false,
    hint: "The driver's library or one it needs is missing; reinstall psqlODBC.",
  },
];

/** Client and server do not agree on encryption, or on who the server is: no second attempt changes that. */
const TLS_REFUSED: StateRule = {
  state: '08001',
  code: 'tls_refused',
  kind: 'connection',
  retryable: false,
  losesConnection: true,
  hint: 'Check "sslmode" and "sslrootcert", and "ssl" and the certificate of the server.',
};

/** PostgreSQL itself could not reach the server of a foreign table: ours is well, and the other tables are. */
const FOREIGN_SERVER: StateRule = {
  state: '08001',
  code: 'foreign_server_unreachable',
  kind: 'source',
  retryable: true,
  hint: 'PostgreSQL could not reach the server of this foreign table: check it there (\\des+), or leave the table out with "table_filters".',
};
/** postgres_fdw's own words; libpq quotes the host only after "at". Other wrappers have a SQLSTATE for it. */
const FOREIGN_WORDS = /^could not connect to server "/;

function isForeignServer(state: string | undefined, text: string): boolean {
  return state === 'HV00N' || (state === '08001' && FOREIGN_WORDS.test(text));
}

/** The server's pg_hba.conf requires a certificate (clientcert, or the method cert). */
const CERTIFICATE_WANTED: StateRule = {
  ...TLS_REFUSED,
  hint: 'Set "sslcert" and "sslkey" to the certificate of the role and its key.',
};

/** An option that libpq or the server refuses: it is wrong at every attempt. */
const WRONG_OPTION: StateRule = {
  state: '08001',
  code: 'wrong_connection_option',
  kind: 'configuration',
  retryable: false,
  losesConnection: true,
  hint: 'Correct it in the configuration, in the data source of odbc.ini, in a PG… environment variable, or in the service file.',
};

/**
 * The words of libpq (fe-connect.c), psqlODBC and the server at a login. One of several hosts may still become what
 * target_session_attrs asks for; a single host that is something else is the wrong one.
 */
const WRONG_OPTION_WORDS = [
  /^libpq connection parameter error|conflicts with other ordinary option|^Connection string parse error/,
  /^invalid \S+(?: \S+)? value: "|^invalid integer value "|^invalid (?:port number|connection option|URI|percent)/,
  /^could not match \d+ (?:port numbers|host addresses|host names) to \d+|^missing "=" after "/,
  /^definition of service "|service file "|syntax error in service file/,
  /channel binding required|channel binding is required|authentication method requirement "/,
  /unrecognized configuration parameter "|invalid value for parameter "|permission denied to set (?:role|parameter) "/,
  /^could not (?:open|read|load) (?:certificate|private key) file|^(?:certificate present, but not )?private key file "/,
];
const UNFIT_SERVER_WORDS = /server is (?:not )?in hot standby mode|session is (?:not )?read-only/;

function isWrongOption(text: string): boolean {
  // The text after the address comes from the server, or from a step of the login.
  const parts = text.split(/connection to server (?:at|on socket) ".*?"(?: \(.*?\))?(?:, port \d+)? failed: /);
  const said = (parts.at(-1) ?? text).replace(/^FATAL:\s*/, '');
  return WRONG_OPTION_WORDS.some((words) => words.test(said)) || (parts.length <= 2 && UNFIT_SERVER_WORDS.test(said));
}

function ruleOf(state: string | undefined, text: string): StateRule | undefined {
  if (isForeignServer(state, text)) return FOREIGN_SERVER;
  if (state === undefined) return undefined;
  // The session's own setting is gone, as a prepared statement would be.
  if (state === '42704' && text.includes('"pgsluice.')) return ruleFor('26000');
  return state === '08001' ? loginRule(text) : ruleFor(state);
}

function ruleFor(state: string): StateRule | undefined {
  return RULES.find((rule) => rule.state === state) ?? RULES.find((rule) => rule.state === state.slice(0, 2));
}

/** Errors of running out of room within one statement, which a smaller batch avoids. */
export function isTooLarge(error: ConnectorError): boolean {
  if (error.sqlState === '54000' || error.sqlState === '53200') return true;
  return error.sqlState === 'XX000' && /invalid memory alloc|out of memory/i.test(error.message);
}

export function losesConnection(error: ConnectorError): boolean {
  if (error.code === FOREIGN_SERVER.code) return false;
  return error.sqlState !== undefined && ruleFor(error.sqlState)?.losesConnection === true;
}

/** Translates an error of the `odbc` package. `doing` completes "… while …", e.g. `reading public.orders`. */
export function translateOdbcError(error: unknown, doing: string): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const diagnostics = (error as { odbcErrors?: readonly OdbcDiagnostic[] }).odbcErrors ?? [];
  const first =
    diagnostics.find((diagnostic) => diagnostic.state !== undefined && diagnostic.state !== '') ?? diagnostics[0];
  const text = cleanMessage(first?.message ?? (error instanceof Error ? error.message : String(error)));
  // libpq refuses a login before there is a SQLSTATE to report, and psqlODBC reports all of that as 08001.
  const state = refineState(first?.state, text);
  const rule = ruleOf(state, text);
  return new ConnectorError(`${sentence(text)} (while ${doing}${state === undefined ? '' : `, SQLSTATE ${state}`}).`, {
    code: rule?.code ?? 'odbc_error',
    kind: rule?.kind ?? 'source',
    retryable: rule?.retryable ?? false,
    ...(state === undefined ? {} : { sqlState: state }),
    ...hintFor(rule, text),
    cause: error,
  });
}

function hintFor(rule: StateRule | undefined, text: string): { readonly hint?: string } {
  const database = /permission denied for database "([^"]*)"/.exec(text)?.[1];
  if (database !== undefined)
    return { hint: `Run: GRANT CONNECT ON DATABASE "${database}" TO the role in "username".` };
  const [, kind, name] = /permission denied for (function|view|table|relation) "?(\w+)/.exec(text) ?? [];
  if (kind === 'function') return { hint: `Run: GRANT EXECUTE ON FUNCTION ${name} TO the role in "username".` };
  if (name?.startsWith('pg_') === true)
    return { hint: `Run: GRANT SELECT ON pg_catalog.${name} TO the role in "username".` };
  if (/materialized view ".*" has not been populated/.test(text))
    return { hint: 'Run REFRESH MATERIALIZED VIEW for it, or leave it out with "table_filters".' };
  return rule?.hint === undefined ? {} : { hint: rule.hint };
}

function loginRule(text: string): StateRule | undefined {
  if (isWrongOption(text)) return WRONG_OPTION;
  if (/requires a valid client certificate/.test(text)) return CERTIFICATE_WANTED;
  return TLS_WORDS.test(text) ? TLS_REFUSED : ruleFor('08001');
}

const TLS_WORDS = /does not support SSL|\bcertificate\b/i;

/**
 * At login psqlODBC reports every refusal as 08001 with libpq's text. Only the server's words tell a wrong password,
 * which must not be retried because accounts get locked, from an unreachable host.
 */
function refineState(state: string | undefined, text: string): string | undefined {
  if (state !== '08001') return state;
  if (
    /password authentication failed|no password supplied|pg_hba\.conf|authentication failed|role ".*" (does not exist|is not permitted)/i.test(
      text,
    )
  )
    return '28P01';
  if (/database ".*" does not exist/i.test(text)) return '3D000';
  if (/permission denied for database/i.test(text)) return '42501';
  if (/too many (clients|connections)|remaining connection slots/i.test(text)) return '53300';
  return state;
}

function cleanMessage(text: string): string {
  return (
    text
      .replace(/;?\s*\n?Error while executing the query\s*$/i, '')
      .replace(/^ERROR:\s*/, '')
      // libpq asks a question here, which the hint repeats.
      .replace(/\s*Is the server running [^?]*\?/g, '')
      .replace(/\s*\n\s*/g, ' ')
      .trim()
  );
}

function sentence(text: string): string {
  return text.replace(/[.;\s]+$/, '');
}
