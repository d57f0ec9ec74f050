// The part of a load into a file that no program can leave out: DuckDB appends, compresses and commits the rows of
// `orders`, whose vectors stand ready, under the settings that pgsluice gives it.
//   node duckdb-alone.js WAREHOUSE ROWS
const { DuckDBInstance } = require('@duckdb/node-api');
const { ROW_GROUP_ROWS } = require('../../built').built('duckDbWarehouse');

// The values of createOrders in ../workloads.js, and the three columns that pgsluice adds.
const COLUMNS = `
  i::INTEGER AS id,
  ['eu-west','us-east','weg45','fdx55','ap-south'][1 + i % 5] AS region,
  (i * 7 % 100000)::INTEGER AS customer_id,
  TIMESTAMP '2024-01-01' + INTERVAL 13 SECONDS * i AS created_at,
  (i % 1000000 / 100.0)::DECIMAL(10,2) AS amount,
  ['new','paid','shipped','returned'][1 + i % 4] AS status,
  'note for order number ' || i || ' with some text' AS note,
  i % 3 = 0 AS paid,
  i / 7.0::DOUBLE AS score,
  TIMESTAMPTZ '2024-01-01 00:00:00+00' + INTERVAL 17 SECONDS * i AS updated_at,
  ('{"c": ' || i % 10 || ', "k": ' || i || ', "tags": ["a", "b"]}')::JSON AS attrs,
  1.5e9::DOUBLE AS sync_timestamp,
  TIMESTAMPTZ '2025-01-01 00:00:00+00' AS synced,
  false AS deleted`;

/**
 * @param {string} warehouse
 * @param {number} rows
 */
async function write(warehouse, rows) {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: '40MB',
    threads: '1',
    write_buffer_row_group_count: '1',
    auto_checkpoint_skip_wal_threshold: '0',
    default_block_size: '65536',
  });
  const connection = await instance.connect();
  await connection.run(`ATTACH '${warehouse.replaceAll("'", "''")}' AS file (ROW_GROUP_SIZE ${ROW_GROUP_ROWS})`);
  await connection.run("SET disabled_compression_methods = 'rle'");
  const ready = `SELECT ${COLUMNS} FROM range(1, ${ROW_GROUP_ROWS + 1}) AS r(i)`;
  await connection.run(`CREATE TABLE file.orders AS ${ready} LIMIT 0`);
  const chunks = await (await connection.run(ready)).fetchAllChunks();
  await connection.run('BEGIN');
  const appender = await connection.createAppender('orders', 'main', 'file');
  let written = 0;
  while (written < rows) {
    for (const chunk of chunks) {
      // What is left is less than a row group: it ends with the chunk that makes it whole.
      if (written >= rows) break;
      appender.appendDataChunk(chunk);
      written += chunk.rowCount;
    }
    appender.flushSync();
  }
  appender.closeSync();
  await connection.run("SET checkpoint_threshold = '1B'");
  await connection.run('COMMIT');
  connection.closeSync();
  instance.closeSync();
  return written;
}

write(process.argv[2] ?? '', Number(process.argv[3])).then(
  (rows) => console.log(`written=${rows}`),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
