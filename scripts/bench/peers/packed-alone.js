// The part of reading `orders` that no program on this way can leave out: the packed cells come through psqlODBC and the
// npm package `odbc`, over two connections, and are thrown away.
//   BENCH_CONNECTION_STRING=… node packed-alone.js TABLE
const odbc = require('odbc');

const BLOCKS = 150;
/** As many as pgsluice asks for (postgres/connection/odbc-driver). */
const BUFFER_BYTES = 512 * 1024;

const TEXTS = ['region', 'amount', 'status', 'note', "CASE WHEN paid THEN 'true' ELSE 'false' END", 'attrs'];
const BYTES = ['int4send(id)', 'int4send(customer_id)', 'timestamp_send(created_at)', 'float8send(score)'];
const CELLS = [
  ...TEXTS.map((it) => `string_agg(coalesce(${it}::text, E'\\x1d'), E'\\x1f')`),
  ...[...BYTES, 'timestamptz_send(updated_at)'].map((it) => `encode(string_agg(${it}, ''::bytea), 'hex')`),
];

/** @param {string} table */
async function read(table) {
  const connectionString = process.env.BENCH_CONNECTION_STRING ?? '';
  const connections = [await odbc.connect(connectionString), await odbc.connect(connectionString)];
  /** @type {(connection: import('odbc').Connection, sql: string) => Promise<Record<string, unknown>>} */
  const first = async (connection, sql) => {
    const rows = await connection.query(sql, { initialBufferSize: BUFFER_BYTES });
    return /** @type {Record<string, unknown>} */ (rows[0]);
  };
  const [one] = connections;
  if (one === undefined) throw new Error('There is no connection.');
  const size = `SELECT (pg_relation_size('public."${table}"') / current_setting('block_size')::int)::text AS blocks`;
  const { blocks } = await first(one, size);
  let next = 0;
  let rows = 0;
  const cells = CELLS.map((it, index) => `${it} AS c${index}`).join(', ');
  /** @param {import('odbc').Connection} connection */
  const readRest = async (connection) => {
    while (next < Number(blocks)) {
      const from = next;
      next += BLOCKS;
      const range = `ctid >= '(${from},0)' AND ctid < '(${from + BLOCKS},0)'`;
      const row = await first(connection, `SELECT count(*)::int4 AS n, ${cells} FROM public."${table}" WHERE ${range}`);
      rows += Number(row['n']);
    }
  };
  await Promise.all(connections.map(readRest));
  for (const connection of connections) await connection.close();
  return rows;
}

read(process.argv[2] ?? '').then(
  (rows) => console.log(`rows=${rows}`),
  (error) => {
    console.error(error.odbcErrors ?? error);
    process.exit(1);
  },
);
