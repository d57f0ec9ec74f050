// What the bare programs read and write of each workload: the values of ../workloads.js.

/**
 * @typedef {object} Shape
 * @property {string[]} texts columns that come as text
 * @property {string[]} bytes SQL for bytes of columns without NULLs that come as hexadecimal digits
 * @property {string} place SQL for a place in the table, which ranges divide
 * @property {number} step places of one range
 * @property {number} ready rows that stand ready as vectors
 * @property {string} memory DuckDB's memory limit, as pgsluice has it for such rows
 * @property {string[]} columns SQL of DuckDB for the columns of row i
 */

/** @type {Shape} */
const ORDERS = {
  texts: ['region', 'amount', 'status', 'note', "CASE WHEN paid THEN 'true' ELSE 'false' END", 'attrs'],
  bytes: [
    'int4send(id)',
    'int4send(customer_id)',
    'timestamp_send(created_at)',
    'float8send(score)',
    'timestamptz_send(updated_at)',
  ],
  place: 'block',
  step: 150,
  ready: 30_720,
  memory: '40MB',
  columns: [
    'i::INTEGER AS id',
    "['eu-west','us-east','weg45','fdx55','ap-south'][1 + i % 5] AS region",
    '(i * 7 % 100000)::INTEGER AS customer_id',
    "TIMESTAMP '2024-01-01' + INTERVAL 13 SECONDS * i AS created_at",
    '(i % 1000000 / 100.0)::DECIMAL(10,2) AS amount',
    "['new','paid','shipped','returned'][1 + i % 4] AS status",
    "'note for order number ' || i || ' with some text' AS note",
    'i % 3 = 0 AS paid',
    'i / 7.0::DOUBLE AS score',
    "TIMESTAMPTZ '2024-01-01 00:00:00+00' + INTERVAL 17 SECONDS * i AS updated_at",
    `('{"c": ' || i % 10 || ', "k": ' || i || ', "tags": ["a", "b"]}')::JSON AS attrs`,
  ],
};

const numbersOf = (/** @type {number} */ kind) =>
  Array.from({ length: 199 }, (_, n) => n).filter((n) => n % 5 === kind);
const namesOf = (/** @type {number} */ kind) => numbersOf(kind).map((n) => `column_${n}`);

/** @type {Shape} */
const WIDE = {
  texts: [...namesOf(1), ...namesOf(2), ...namesOf(4)],
  bytes: ['id', ...namesOf(0)]
    .map((name) => `int4send(${name})`)
    .concat(namesOf(3).map((it) => `timestamp_send(${it})`)),
  place: 'block',
  step: 150,
  ready: 2048,
  memory: '160MB',
  columns: [
    'i::INTEGER AS id',
    ...numbersOf(0).map((n) => `(i * ${n + 3} % 100003)::INTEGER AS column_${n}`),
    ...numbersOf(1).map((n) => `'value ' || (i * ${n + 1} % 9973) AS column_${n}`),
    ...numbersOf(2).map((n) => `(i * ${n + 7} % 1000003 / 100.0)::DECIMAL(12,2) AS column_${n}`),
    ...numbersOf(3).map((n) => `TIMESTAMP '2024-01-01' + INTERVAL ${n + 1} SECONDS * i AS column_${n}`),
    ...numbersOf(4).map((n) => `CASE WHEN (i + ${n}) % 5 > 0 THEN (i * ${n + 1})::BIGINT END AS column_${n}`),
  ],
};

/** @type {Shape} */
const TEXTS = {
  texts: ['body'],
  bytes: ['int4send(id)'],
  place: 'id',
  step: 40,
  ready: 16,
  memory: '900MB',
  columns: ['i::INTEGER AS id', "(SELECT string_agg(md5(i || '-' || j), '') FROM range(1, 3126) AS t(j)) AS body"],
};

/** @param {string} table */
function shapeOf(table) {
  const shape = { orders: ORDERS, wide: WIDE, texts: TEXTS }[table];
  if (shape === undefined) throw new Error(`The bare programs do not know the table ${table}.`);
  return shape;
}

module.exports = { shapeOf };
