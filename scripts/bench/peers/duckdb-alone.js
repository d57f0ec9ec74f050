// The part of a load into a file that no program can leave out: DuckDB appends, compresses and commits the rows of a
// workload, whose vectors stand ready, under the settings that pgsluice gives it.
// Row groups of another size show what their size costs.
//   node duckdb-alone.js WAREHOUSE TABLE ROWS [ROW_GROUP_ROWS]
const { DuckDBInstance } = require('@duckdb/node-api');
const { shapeOf } = require('./bare-shapes');
const { ROW_GROUP_ROWS } = require('../../built').built('duckDbWarehouse');

/** The three columns that pgsluice adds. */
const ADDED = ['1.5e9::DOUBLE AS sync_timestamp', "TIMESTAMPTZ '2025-01-01 00:00:00+00' AS synced", 'false AS deleted'];

/**
 * @param {string} warehouse
 * @param {string} table
 * @param {number} rows
 * @param {number} rowGroupRows
 */
async function write(warehouse, table, rows, rowGroupRows) {
  const { columns, ready: readyRows, memory } = shapeOf(table);
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: memory,
    threads: '1',
    write_buffer_row_group_count: '1',
    auto_checkpoint_skip_wal_threshold: '0',
    default_block_size: '65536',
  });
  const connection = await instance.connect();
  await connection.run(`ATTACH '${warehouse.replaceAll("'", "''")}' AS file (ROW_GROUP_SIZE ${rowGroupRows})`);
  await connection.run("SET disabled_compression_methods = 'rle'");
  const ready = `SELECT ${[...columns, ...ADDED].join(', ')} FROM range(1, ${readyRows + 1}) AS r(i)`;
  await connection.run(`CREATE TABLE file.${table} AS ${ready} LIMIT 0`);
  const chunks = await (await connection.run(ready)).fetchAllChunks();
  await connection.run('BEGIN');
  const appender = await connection.createAppender(table, 'main', 'file');
  let written = 0;
  while (written < rows) {
    for (const chunk of chunks) {
      // What is left is less than the chunks that stand ready.
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

write(
  process.argv[2] ?? '',
  process.argv[3] ?? '',
  Number(process.argv[4]),
  Number(process.argv[5] ?? ROW_GROUP_ROWS),
).then(
  (rows) => console.log(`written=${rows}`),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
