// Reads with the npm package `odbc` the ordinary way: with a cursor, one cell a column, and no destination.
//   BENCH_CONNECTION_STRING=… node odbc-cursor.js TABLE
const odbc = require('odbc');

// This was the fastest of 100, 500, 1,000, 2,000 and 5,000 on the orders table.
const FETCH_SIZE = 1000;

/** @param {string} table */
async function read(table) {
  const connectionString = process.env.BENCH_CONNECTION_STRING;
  const connection = await odbc.connect(`${connectionString}UseDeclareFetch=1;Fetch=${FETCH_SIZE};`);
  const cursor = await connection.query(`SELECT * FROM public."${table}"`, { cursor: true, fetchSize: FETCH_SIZE });
  let rows = 0;
  while (!cursor.noData) rows += (await cursor.fetch()).length;
  await cursor.close();
  await connection.close();
  return rows;
}

read(process.argv[2] ?? '').then(
  (rows) => console.log(`rows=${rows}`),
  (error) => {
    console.error(error.odbcErrors ?? error);
    process.exit(1);
  },
);
