// Keeps the PostgreSQL that everything is measured against: one of our own, or the one that --connection names.
const { readFileSync, readdirSync } = require('node:fs');
const { Client } = require('pg');
const { startPostgres } = require('../demo/postgres-server');

// A production server of this size would have these; the demo's flags alone leave 128 MB of buffers.
const FLAGS = { shared_buffers: '512MB', max_locks_per_transaction: '256', max_wal_size: '8GB' };
// Every peer understands this one, however it quotes.
const PASSWORD = 'benchmark';
const PREFIX = 'pgsluice_bench_';

/**
 * A server of our own can be looked into and closed, a given one cannot.
 * @typedef {import('../demo/postgres-server').ServerCoordinates} ServerCoordinates
 * @typedef {ServerCoordinates & { readonly pid?: number, readonly close?: () => Promise<void> }} Server
 * @typedef {{ longestMs: number, totalMs: number, calls: number }} Statements
 */

class Source {
  /** @param {Server} server */
  constructor(server) {
    this.server = server;
    /** @type {Set<string>} */
    this.databases = new Set();
  }

  /** @param {Readonly<Record<string, string>>} [flags] on top of the usual ones */
  static async start(flags = {}) {
    return new Source(await startPostgres({ flags: { ...FLAGS, ...flags }, password: PASSWORD }));
  }

  /** @param {string} connection postgresql://user:password@host:port/ */
  static connect(connection) {
    const url = new URL(connection);
    return new Source({
      host: url.hostname,
      port: Number(url.port || 5432),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
    });
  }

  /**
   * Runs `action` with a client of one database.
   * @template Result
   * @param {string} database
   * @param {(client: Client) => Promise<Result>} action
   * @returns {Promise<Result>}
   */
  async with(database, action) {
    const { host, port, user, password } = this.server;
    const client = new Client({ host, port, user, password, database });
    client.on('error', () => {});
    await client.connect();
    try {
      return await action(client);
    } finally {
      await client.end().catch(() => {});
    }
  }

  /**
   * Makes and fills a fresh database. Hint bits and statistics are set, so that the first run is like the others.
   * @param {string} name
   * @param {string[]} statements
   * @returns {Promise<string>} the name of the database
   */
  async create(name, statements) {
    const database = `${PREFIX}${name}`;
    await this.drop(database);
    await this.with('postgres', (client) => client.query(`CREATE DATABASE "${database}" TEMPLATE template0`));
    this.databases.add(database);
    await this.with(database, async (client) => {
      await client.query('CREATE EXTENSION pg_stat_statements').catch(() => {});
    });
    await this.run(database, statements);
    return database;
  }

  /**
   * @param {string} database
   * @param {string[]} statements
   */
  async run(database, statements) {
    await this.with(database, async (client) => {
      // The statements run one by one: thousands of tables in one transaction would need as many locks.
      for (const statement of statements) await client.query(statement);
      await client.query('VACUUM (ANALYZE)');
      await client.query('CHECKPOINT').catch(() => {});
    });
  }

  /** @param {string} database */
  async drop(database) {
    await this.with('postgres', (client) => client.query(`DROP DATABASE IF EXISTS "${database}" WITH (FORCE)`));
    this.databases.delete(database);
  }

  async version() {
    return this.with('postgres', async (client) => {
      /** @type {import('pg').QueryResult<{ server_version: string }>} */
      const { rows } = await client.query('SHOW server_version');
      return rows[0]?.server_version ?? 'unknown';
    });
  }

  /** @param {string} database */
  async resetStatements(database) {
    await this.with(database, (client) => client.query('SELECT pg_stat_statements_reset()')).catch(() => {});
  }

  /**
   * Returns what the server counted since the reset; undefined where it has no pg_stat_statements.
   * @param {string} database
   * @returns {Promise<Statements | undefined>}
   */
  async statements(database) {
    const sql = `
      SELECT max(max_exec_time)::float8 AS longest, sum(total_exec_time)::float8 AS total, sum(calls)::float8 AS calls
      FROM pg_stat_statements JOIN pg_database d ON d.oid = dbid
      WHERE d.datname = current_database() AND query !~* 'pg_stat_statements'`;
    try {
      /** @type {import('pg').QueryResult<{ longest: number, total: number, calls: number }>} */
      const { rows } = await this.with(database, (client) => client.query(sql));
      const [row] = rows;
      return row && { longestMs: row.longest, totalMs: row.total, calls: row.calls };
    } catch {
      return undefined;
    }
  }

  /** Returns the CPU seconds of the server and all its processes so far; NaN for a given server. */
  cpuSeconds() {
    const { pid } = this.server;
    if (pid === undefined || process.platform !== 'linux') return NaN;
    let sum = 0;
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const fields = statFields(entry);
      if (fields === undefined) continue;
      const [, parent] = fields;
      // The postmaster adds up what its ended children used (cutime, cstime); those still there are added here.
      if (Number(entry) === pid) sum += fields.slice(11, 15).reduce((a, b) => a + Number(b), 0);
      else if (Number(parent) === pid) sum += Number(fields[11]) + Number(fields[12]);
    }
    return sum / 100;
  }

  async close() {
    if (this.server.close !== undefined) return this.server.close();
    for (const database of [...this.databases]) await this.drop(database).catch(() => {});
  }
}

/**
 * Returns the fields of /proc/PID/stat from the third on: state, parent, …; utime is the twelfth of these.
 * @param {number | string} pid
 */
function statFields(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

module.exports = { Source, statFields };
