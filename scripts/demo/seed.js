// Fills an empty database with the sample shop of seed.sql.
const { readFileSync } = require('node:fs');
const path = require('node:path');

/** @type {typeof import('./seed').seedShop} */
async function seedShop(client, rows) {
  await client.query("SELECT set_config('demo.rows', $1, false)", [String(rows)]);
  await client.query(readFileSync(path.join(__dirname, 'seed.sql'), 'utf8'));
}

module.exports = { seedShop };
