// The part of reading a workload that no program on this way can leave out: the packed cells come through psqlODBC and the
// npm package `odbc`, over two connections, and are thrown away.
//   BENCH_CONNECTION_STRING=… node packed-alone.js TABLE
const odbc = require('odbc');
const { shapeOf } = require('./bare-shapes');

/** As many as pgsluice asks for (postgres/connection/odbc-driver). */
const BUFFER_BYTES = 512 * 1024;

/** @param {string} table */
async function read(table) {
  const { texts, bytes, place, step } = shapeOf(table);
  const packed = [
    ...texts.map((it) => `string_agg(coalesce(${it}::text, E'\\x1d'), E'\\x1f')`),
    ...bytes.map((it) => `encode(string_agg(${it}, ''::bytea), 'hex')`),
  ];
  const connectionString = process.env.BENCH_CONNECTION_STRING ?? '';
  const connections = [await odbc.connect(connectionString), await odbc.connect(connectionString)];
  /** @type {(connection: import('odbc').Connection, sql: string) => Promise<Record<string, unknown>>} */
  const first = async (connection, sql) => {
    const rows = await connection.query(sql, { initialBufferSize: BUFFER_BYTES });
    return /** @type {Record<string, unknown>} */ (rows[0]);
  };
  const [one] = connections;
  if (one === undefined) throw new Error('There is no connection.');
  const last =
    place === 'block'
      ? `SELECT (pg_relation_size('public."${table}"') / current_setting('block_size')::int)::text AS last`
      : `SELECT max(${place})::text AS last FROM public."${table}"`;
  const end = Number((await first(one, last))['last']);
  let next = 0;
  let rows = 0;
  const cells = packed.map((it, index) => `${it} AS c${index}`).join(', ');
  /** @param {number} from */
  const range = (from) =>
    place === 'block'
      ? `ctid >= '(${from},0)' AND ctid < '(${from + step},0)'`
      : `${place} >= ${from} AND ${place} < ${from + step}`;
  /** @param {import('odbc').Connection} connection */
  const readRest = async (connection) => {
    while (next <= end) {
      const from = next;
      next += step;
      const sql = `SELECT count(*)::int4 AS n, ${cells} FROM public."${table}" WHERE ${range(from)}`;
      const row = await first(connection, sql);
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
