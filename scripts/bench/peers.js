// Makes the peers: small programs of our own, each of which does the work of one peer at its best settings.
const path = require('node:path');
const { cargoProgram, debianPython, installed, virtualPython } = require('./tools');

const folder = path.join(__dirname, 'peers');
/** An extension is made for one version of DuckDB. */
const DUCKDB = '1.5.5';
const SINGLE_TABLE = ['orders', 'events', 'wide', 'texts', 'many-texts'];
/** Workloads of which peers/bare-shapes.js knows the columns. */
const BARE = ['orders', 'wide', 'texts', 'many-texts'];

/**
 * @typedef {import('./contenders').Contender} Contender
 * @typedef {import('./contenders').Job} Job
 * @typedef {import('./tools').Tool} Tool
 * @typedef {{ workloads?: string[] }} More
 */

/**
 * Looks for each program, or installs it, only when it is to be measured.
 * @param {import('./tools').Say} say
 */
function findTools(say) {
  return {
    pyodbc: once(() => debianPython('pyodbc', say)),
    packages: once(() =>
      virtualPython(
        'venv',
        ['dlt[duckdb]', 'connectorx', 'pyarrow', 'arrow-odbc', 'psycopg2-binary', 'sqlalchemy'],
        ['dlt', 'duckdb', 'connectorx', 'pyarrow', 'arrow_odbc', 'psycopg2', 'sqlalchemy'],
        say,
      ),
    ),
    // Its environment is its own: dlt asks for another DuckDB than the extensions do.
    duckdb: once(() =>
      virtualPython(
        'venv-duckdb',
        ['duckdb', 'duckdb-extension-postgres-scanner', 'duckdb-extension-odbc-scanner'].map(
          (it) => `${it}==${DUCKDB}`,
        ),
        ['duckdb', 'duckdb_extension_postgres_scanner', 'duckdb_extension_odbc_scanner'],
        say,
      ),
    ),
    psql: once(() => installed('psql', 'install the PostgreSQL client (Debian: postgresql-client)')),
    odbc2parquet: once(() => cargoProgram('odbc2parquet', say)),
    ingestr: once(() =>
      installed('ingestr', 'its package fetches its DuckDB driver from elsewhere when it first runs'),
    ),
  };
}

/**
 * Names the database of a job in the ways that the peers understand.
 * @param {import('./contenders').Server} server
 * @param {string} driver
 */
function connections(server, driver) {
  /** @type {(job: Job) => string} */
  const url = ({ database }) =>
    `postgresql://${encodeURIComponent(server.user)}:${encodeURIComponent(server.password)}@${server.host}:${server.port}/${database}`;
  // psqlODBC decodes {…} in PWD alone. Text without a length would be cut at 1,020 characters by default.
  /** @type {(job: Job) => string} */
  const connectionString = ({ database }) =>
    `DRIVER={${driver}};SERVER=${server.host};PORT=${server.port};DATABASE=${database};UID=${server.user};` +
    `PWD={${server.password.replaceAll('}', '}}')}};TextAsLongVarchar=1;UnknownsAsLongVarchar=1;MaxLongVarcharSize=1000000;`;
  // Our own programs read secrets from the environment, because everyone on the machine can read arguments.
  /** @type {(job: Job) => Record<string, string>} */
  const env = (job) => ({
    BENCH_URL: url(job),
    BENCH_CONNECTION_STRING: connectionString(job),
    PGPASSWORD: server.password,
  });
  return { url, connectionString, env };
}

/**
 * @param {{ server: import('./contenders').Server, driver: string, say: import('./tools').Say }} context
 * @returns {Contender[]}
 */
function createPeers({ server, driver, say }) {
  const { pyodbc, packages, duckdb, psql, odbc2parquet, ingestr } = findTools(say);
  const { url, connectionString, env } = connections(server, driver);
  /** @type {(name: string, what: string, tool: () => Tool, makeArguments: (job: Job) => string[], more?: More) => Contender} */
  const peer = (name, what, tool, makeArguments, more = {}) => ({
    name,
    what,
    workloads: ['orders'],
    command: (job) => ({ file: tool().program ?? '', arguments: makeArguments(job), cwd: job.folder, env: env(job) }),
    missing: () => tool().reason,
    ...more,
  });
  /** @type {(name: string, ...rest: string[]) => string[]} */
  const script = (name, ...rest) => [path.join(folder, name), ...rest];
  /** @type {(backend: string) => Contender} */
  const dlt = (backend) =>
    peer(`dlt-${backend}`, `dlt with its ${backend} backend, into a DuckDB file`, packages, (job) =>
      script('dlt_duckdb.py', tableOf(job), path.join(job.folder, 'dlt.db'), job.folder, backend),
    );
  /** @type {(name: string, what: string, extension: string) => Contender} */
  const duckdbExtension = (name, what, extension) =>
    peer(name, `${what}, CREATE TABLE AS into a DuckDB file`, duckdb, (job) =>
      script('duckdb_extension.py', tableOf(job), path.join(job.folder, 'duckdb.db'), extension),
    );

  /** @type {(job: Job) => string[]} */
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
      (job) => script('pyodbc_fetchmany.py', tableOf(job)),
      { workloads: SINGLE_TABLE },
    ),
    peer('pyodbc-declare', 'the same with UseDeclareFetch; no destination', pyodbc, (job) =>
      script('pyodbc_fetchmany.py', tableOf(job), 'declare'),
    ),
    peer('odbc-cursor', 'npm odbc, a cursor of 1,000 rows; no destination', thisNode, (job) =>
      script('odbc-cursor.js', tableOf(job)),
    ),
    ...barePrograms(peer, script),
    duckdbExtension('duckdb-postgres', "DuckDB's postgres extension (binary COPY)", 'postgres_scanner'),
    duckdbExtension('duckdb-odbc', "DuckDB's odbc_scanner", 'odbc_scanner'),
    dlt('connectorx'),
    dlt('pyarrow'),
    peer('connectorx', 'connectorx into Arrow in memory; no destination', packages, (job) =>
      script('connectorx_read.py', tableOf(job)),
    ),
    peer('arrow-odbc', 'arrow-odbc, record batches of 5,000; no destination', packages, (job) =>
      script('arrow_odbc_read.py', tableOf(job)),
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

function thisNode() {
  return { program: process.execPath };
}

/**
 * Together they do the least that a sync must do; see floor.js.
 * @param {(name: string, what: string, tool: () => Tool, makeArguments: (job: Job) => string[], more?: More) => Contender} peer
 * @param {(name: string, ...rest: string[]) => string[]} script
 * @returns {Contender[]}
 */
function barePrograms(peer, script) {
  return [
    peer(
      'packed-alone',
      'the packed cells through psqlODBC and npm odbc, thrown away: half of the least that a sync does',
      thisNode,
      (job) => script('packed-alone.js', tableOf(job)),
      { workloads: BARE },
    ),
    peer(
      'duckdb-alone',
      'ready vectors of as many rows through DuckDB into a file, nothing read: the other half',
      thisNode,
      (job) => script('duckdb-alone.js', path.join(job.folder, 'alone.db'), tableOf(job), String(job.rows)),
      { workloads: BARE },
    ),
  ];
}

/**
 * The peers read one table each; their workloads have one.
 * @param {Job} job
 */
function tableOf({ table }) {
  if (table === undefined) throw new Error('A peer was given a workload of many tables.');
  return table;
}

/**
 * @param {() => Tool} find
 * @returns {() => Tool}
 */
function once(find) {
  /** @type {Tool | undefined} */
  let found;
  return () => (found ??= find());
}

module.exports = { createPeers };
