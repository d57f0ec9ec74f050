// The peers: our own small programs, each doing one peer's work at its best settings.
const path = require('node:path');
const { cargoProgram, debianPython, installed, virtualPython } = require('./tools');

const folder = path.join(__dirname, 'peers');
const SINGLE_TABLE = ['orders', 'events', 'wide', 'texts'];

/** @typedef {import('./contenders').Contender} Contender @typedef {import('./contenders').Job} Job */

/**
 * @param {{ server: { host: string, port: number, user: string, password: string }, driver: string, say: (line: string) => void }} context
 * @returns {Contender[]}
 */
function createPeers({ server, driver, say }) {
  // Looked for, or installed, only when they are to be measured.
  const pyodbc = once(() => debianPython('pyodbc', say));
  const packages = once(() =>
    virtualPython(
      'venv',
      ['dlt[duckdb]', 'connectorx', 'pyarrow', 'arrow-odbc', 'psycopg2-binary', 'sqlalchemy'],
      ['dlt', 'duckdb', 'connectorx', 'pyarrow', 'arrow_odbc', 'psycopg2', 'sqlalchemy'],
      say,
    ),
  );
  const psql = once(() => installed('psql', 'install the PostgreSQL client (Debian: postgresql-client)'));
  const odbc2parquet = once(() => cargoProgram('odbc2parquet', say));
  const ingestr = once(() =>
    installed('ingestr', 'its package fetches its DuckDB driver from elsewhere when it first runs'),
  );

  const url = ({ database }) =>
    `postgresql://${encodeURIComponent(server.user)}:${encodeURIComponent(server.password)}@${server.host}:${server.port}/${database}`;
  // psqlODBC decodes {…} in PWD alone. Text without a length would be cut at 1,020 characters by default.
  const connectionString = ({ database }) =>
    `DRIVER={${driver}};SERVER=${server.host};PORT=${server.port};DATABASE=${database};UID=${server.user};` +
    `PWD={${server.password.replaceAll('}', '}}')}};TextAsLongVarchar=1;UnknownsAsLongVarchar=1;MaxLongVarcharSize=1000000;`;
  // Through the environment: arguments are for everyone on the machine to read.
  const env = (job) => ({
    BENCH_URL: url(job),
    BENCH_CONNECTION_STRING: connectionString(job),
    PGPASSWORD: server.password,
  });
  /** @returns {Contender} */
  const peer = (name, what, tool, makeArguments, more = {}) => ({
    name,
    what,
    workloads: ['orders'],
    command: (job) => ({ file: tool().program ?? '', arguments: makeArguments(job), cwd: job.folder, env: env(job) }),
    missing: () => tool().reason,
    ...more,
  });
  const script = (name, ...rest) => [path.join(folder, name), ...rest];
  const dlt = (backend) =>
    peer(`dlt-${backend}`, `dlt with its ${backend} backend, into a DuckDB file`, packages, (job) =>
      script('dlt_duckdb.py', job.table, path.join(job.folder, 'dlt.db'), job.folder, backend),
    );

  const copyArguments = (job) => [
    ...['--no-psqlrc', '--quiet', '--output', '/dev/null', '--host', server.host, '--port', String(server.port)],
    ...['--username', server.user, '--dbname', job.database, '--command', `COPY public."${job.table}" TO STDOUT`],
  ];
  return [
    peer('copy', 'psql COPY … TO STDOUT to /dev/null: the limit of the server', psql, copyArguments, {
      workloads: SINGLE_TABLE,
    }),
    peer(
      'pyodbc',
      "fetchmany(5000) into dictionaries, the replaced connector's inner loop; no destination",
      pyodbc,
      (job) => script('pyodbc_fetchmany.py', job.table),
      { workloads: SINGLE_TABLE },
    ),
    peer('pyodbc-declare', 'the same with UseDeclareFetch; no destination', pyodbc, (job) =>
      script('pyodbc_fetchmany.py', job.table, 'declare'),
    ),
    peer(
      'odbc-cursor',
      'npm odbc, a cursor of 1,000 rows; no destination',
      () => ({ program: process.execPath }),
      (job) => script('odbc-cursor.js', job.table),
    ),
    dlt('connectorx'),
    dlt('pyarrow'),
    peer('connectorx', 'connectorx into Arrow in memory; no destination', packages, (job) =>
      script('connectorx_read.py', job.table),
    ),
    peer('arrow-odbc', 'arrow-odbc, record batches of 5,000; no destination', packages, (job) =>
      script('arrow_odbc_read.py', job.table),
    ),
    peer('odbc2parquet', 'into a Parquet file', odbc2parquet, (job) => [
      ...['--quiet', 'query', '--connection-string', connectionString(job), '--batch-size-row', '5000'],
      ...['--column-length-limit', '8192'],
      ...[path.join(job.folder, 'out.parquet'), `SELECT * FROM public."${job.table}"`],
    ]),
    peer('ingestr', 'into a DuckDB file', ingestr, (job) => [
      ...['ingest', '--yes', '--source-uri', url(job), '--source-table', `public.${job.table}`],
      ...['--dest-uri', `duckdb:///${path.join(job.folder, 'ingestr.db')}`, '--dest-table', `tester.${job.table}`],
    ]),
    peer(
      'fivetran-connector-sdk',
      'an equivalent connector',
      () => ({ reason: 'the licence of the core it runs on forbids comparisons and publishing what was measured' }),
      () => [],
    ),
  ];
}

function once(find) {
  let found;
  return () => (found ??= find());
}

module.exports = { createPeers };
