#!/bin/sh
# npm odbc 2.6.0 with psqlODBC 13.02 cuts every array to 1,020 characters, four times psqlODBC's MaxVarcharSize (with
# MaxVarcharSize=100 to 400): it makes that much room for a value, and does not notice that one did not fit.
# Expected: the 8,894 characters of an array of 2,000 integers, or an error. Seen: the first 1,020, without an error. The
# same column cast to text comes whole, and so does the array through pyodbc with the same driver.
#
# Exits 0 while it is so, 1 once it has changed. Needs psqlODBC (DRIVER names it, else "PostgreSQL Unicode"), Node.js 20
# and, where odbc has no binary for the machine, a C++ compiler and unixODBC's headers; writes into a temporary folder only.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Newer versions of npm run the scripts of packages only where they are named.
echo '{"private": true, "allowScripts": {"odbc": true}}' >"$folder/package.json"
. "$(dirname "$0")/helpers/with-postgres.sh"
install_postgres
# With the headers that Node.js came with, none need to be fetched.
prefix=$(dirname "$(dirname "$(command -v node)")")
if [ -e "$prefix/include/node/node_api.h" ]; then export npm_config_nodedir="$prefix"; fi
(cd "$folder" && npm install --silent --no-audit --no-fund odbc@2.6.0 >&2)

cat >"$folder/program.js" <<'JAVASCRIPT'
const odbc = require('odbc');

async function main() {
  const driver = process.env.DRIVER ?? 'PostgreSQL Unicode';
  const connection = await odbc.connect(
    `DRIVER={${driver}};SERVER=127.0.0.1;PORT=${process.env.PGPORT};DATABASE=postgres;UID=postgres;PWD=plain`,
  );
  await connection.query('CREATE TABLE t AS SELECT array_agg(i) AS v FROM generate_series(1, 2000) i');
  const lengthOf = async (value) => (await connection.query(`SELECT ${value} AS v FROM t`))[0].v.length;
  const [array, cast] = [await lengthOf('v'), await lengthOf('v::text')];
  console.error(`npm odbc ${require('odbc/package.json').version}: length of the array ${array}, cast to text ${cast}`);
  console.log(`${array} ${cast}`);
  await connection.close();
}

void main();
JAVASCRIPT

[ "$(with_postgres node "$folder/program.js")" = "1020 8894" ] && exit 0
echo "This is no longer as it is described here." >&2
exit 1
