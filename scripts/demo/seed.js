// Fills an empty database with the sample shop of seed.sql.
const { readFileSync } = require('node:fs');
const path = require('node:path');

/**
 * Fills an empty database with about `rows` rows in all; the same number gives the same database.
 * @param {import('pg').Client} client
 * @param {number} rows
 * @returns {Promise<void>}
 */
async function seedShop(client, rows) {
  await client.query("SELECT set_config('demo.rows', $1, false)", [String(rows)]);
  await client.query(readFileSync(path.join(__dirname, 'seed.sql'), 'utf8'));
}

module.exports = { seedShop };
