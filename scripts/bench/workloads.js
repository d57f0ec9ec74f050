// Makes the tables that are measured. Their data follows from the row number, so that equal numbers of rows mean equal data
// everywhere.

// The business rule for tables called `orders` costs the server a CASE per row; that is part of the product's work.
const ORDERS_COLUMNS = `
  i::int AS id,
  (ARRAY['eu-west','us-east','weg45','fdx55','ap-south'])[1 + i % 5] AS region,
  (i * 7 % 100000)::int AS customer_id,
  timestamp '2024-01-01' + i * interval '13 seconds' AS created_at,
  (i % 1000000 / 100.0)::numeric(10,2) AS amount,
  (ARRAY['new','paid','shipped','returned'])[1 + i % 4] AS status,
  'note for order number ' || i || ' with some text' AS note,
  i % 3 = 0 AS paid,
  i / 7.0::float8 AS score,
  timestamptz '2024-01-01 00:00Z' + i * interval '17 seconds' AS updated_at,
  jsonb_build_object('k', i, 'c', i % 10, 'tags', jsonb_build_array('a', 'b')) AS attrs`;

/** @param {number} rows */
function createOrders(rows) {
  return [
    `CREATE TABLE public.orders AS SELECT ${ORDERS_COLUMNS} FROM generate_series(1, ${rows}) AS i`,
    'ALTER TABLE public.orders ADD PRIMARY KEY (id)',
  ];
}

/**
 * Adds rows to the same table, numbered on.
 * @param {number} fromRow
 * @param {number} toRow
 */
function growOrders(fromRow, toRow) {
  return [`INSERT INTO public.orders SELECT ${ORDERS_COLUMNS} FROM generate_series(${fromRow}, ${toRow}) AS i`];
}

/** @param {number} rows */
function createEvents(rows) {
  return [
    `CREATE TABLE public.events AS
       SELECT i::bigint AS id, timestamptz '2025-01-01 00:00Z' + i * interval '0.7 seconds' AS at,
              (ARRAY['view','click','scroll','buy'])[1 + i % 4] AS kind, i * 31 % 977 / 10.0::float8 AS value
       FROM generate_series(1, ${rows}) AS i`,
    'ALTER TABLE public.events ADD PRIMARY KEY (id)',
  ];
}

const WIDE_COLUMNS = 200;

/** @param {number} rows */
function createWide(rows) {
  /** @type {((n: number) => string)[]} */
  const kinds = [
    (n) => `(i * ${n + 3} % 100003)::int`,
    (n) => `'value ' || (i * ${n + 1} % 9973)`,
    (n) => `(i * ${n + 7} % 1000003 / 100.0)::numeric(12,2)`,
    (n) => `timestamp '2024-01-01' + i * interval '${n + 1} seconds'`,
    (n) => `CASE WHEN (i + ${n}) % 5 > 0 THEN (i * ${n + 1})::bigint END`,
  ];
  const columns = Array.from({ length: WIDE_COLUMNS - 1 }, (_, n) => `${kinds[n % kinds.length]?.(n)} AS column_${n}`);
  return [
    `CREATE TABLE public.wide AS SELECT i::int AS id, ${columns.join(', ')} FROM generate_series(1, ${rows}) AS i`,
    'ALTER TABLE public.wide ADD PRIMARY KEY (id)',
  ];
}

/** @param {number} rows */
function createTexts(rows) {
  // 3,125 digests of 32 characters make 100 kB that hardly compress, as scanned or encoded documents do not.
  return [
    `CREATE TABLE public.texts AS
       SELECT i::int AS id, (SELECT string_agg(md5(i || '-' || j), '') FROM generate_series(1, 3125) AS j) AS body
       FROM generate_series(1, ${rows}) AS i`,
    'ALTER TABLE public.texts ADD PRIMARY KEY (id)',
  ];
}

/**
 * @param {number} count
 * @param {number} from the number of the first
 */
function createSmallTables(count, from = 1) {
  return Array.from(
    { length: count },
    (_, n) =>
      `CREATE TABLE public.small_${String(from + n).padStart(5, '0')} (id int PRIMARY KEY, name text, amount numeric(10,2), at timestamptz);
       INSERT INTO public.small_${String(from + n).padStart(5, '0')}
         SELECT i, 'name ' || i, i / 4.0, timestamptz '2025-01-01 00:00Z' + i * interval '1 hour' FROM generate_series(1, 10) AS i`,
  );
}

/**
 * The `standard` size fits a coffee break; the bars in docs/BENCHMARKS.md are set for the `full` one. With --rows N,
 * orders has N rows and the others keep the proportions of the full sizes.
 * @typedef {object} Workload
 * @property {string} name
 * @property {string | undefined} table
 * @property {string} what
 * @property {number} standard
 * @property {number} full
 * @property {(size: number) => string[]} create the statements that make it
 *
 * @typedef {Workload & { size: number, statements: () => string[] }} SizedWorkload
 */

/** @type {Workload[]} */
const WORKLOADS = [
  {
    name: 'orders',
    table: 'orders',
    what: '11 columns of common types',
    standard: 1_000_000,
    full: 1_000_000,
    create: createOrders,
  },
  {
    name: 'events',
    table: 'events',
    what: '4 narrow columns',
    standard: 1_000_000,
    full: 5_000_000,
    create: createEvents,
  },
  { name: 'wide', table: 'wide', what: `${WIDE_COLUMNS} columns`, standard: 10_000, full: 50_000, create: createWide },
  {
    name: 'texts',
    table: 'texts',
    what: 'one text of 100 kB a row',
    standard: 1_000,
    full: 5_000,
    create: createTexts,
  },
  {
    name: 'many-texts',
    table: 'texts',
    what: 'one text of 100 kB a row: 2 GB at its full size',
    standard: 4_000,
    full: 20_000,
    create: createTexts,
  },
  {
    name: 'tables',
    table: undefined,
    what: 'tables of 10 rows',
    standard: 500,
    full: 2_000,
    create: createSmallTables,
  },
  {
    name: 'changes',
    table: 'orders',
    what: 'orders, of which some change',
    standard: 1_000_000,
    full: 1_000_000,
    create: createOrders,
  },
];

/**
 * @param {{ rows?: number, full: boolean }} choices
 * @returns {SizedWorkload[]}
 */
function sizedWorkloads({ rows, full }) {
  return WORKLOADS.map((workload) => {
    const inProportion = rows === undefined ? undefined : Math.max(1, Math.round((rows * workload.full) / 1_000_000));
    const size = inProportion ?? (full ? workload.full : workload.standard);
    return { ...workload, size, statements: () => workload.create(size) };
  });
}

module.exports = { WORKLOADS, createOrders, createSmallTables, growOrders, sizedWorkloads };
