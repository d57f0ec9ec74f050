#!/bin/sh
# DuckDB's extension odbc_scanner 1.5.5, with psqlODBC, gives the values of a numeric column without precision another
# magnitude: psqlODBC describes such a column as of 28 digits, 6 of them after the point, and the digits of the value are
# put into that form without regard to where its own point is.
# Expected: 1.5, or an error. Seen: 0.000015, without an error. A column numeric(10,2) is right, and so is a cast to text.
#
# Exits 0 while it is so, 1 once it has changed. Needs psqlODBC (DRIVER names it, else "PostgreSQL Unicode"), Node.js 20
# and python3 with venv; writes into a temporary folder only.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. "$(dirname "$0")/helpers/with-postgres.sh"
. "$(dirname "$0")/helpers/python.sh"
install_postgres
install_python venv duckdb==1.5.5 duckdb-extension-odbc-scanner==1.5.5

cat >"$folder/program.py" <<'PYTHON'
import os
import sys
import duckdb
from duckdb_extension import connect_with

connection = connect_with("duckdb_extension_odbc_scanner")
driver = os.environ.get("DRIVER", "PostgreSQL Unicode")
source = f"DRIVER={{{driver}}};SERVER=127.0.0.1;PORT={os.environ['PGPORT']};DATABASE=postgres;UID=postgres;PWD=plain"
(handle,) = connection.execute("SELECT odbc_connect(?)", [source]).fetchone()
connection.execute(f"SET VARIABLE handle = {handle}")
query = "SELECT 1.5::numeric AS free, 1.5::numeric(10,2) AS declared, 1.5::numeric::text AS as_text"
row = connection.execute("SELECT free::VARCHAR, declared::VARCHAR, as_text FROM odbc_query(getvariable('handle'), ?)", [query]).fetchone()
print(f"DuckDB {duckdb.__version__}, odbc_scanner 1.5.5: numeric {row[0]}, numeric(10,2) {row[1]}, text {row[2]}", file=sys.stderr)
print("|".join(row))
PYTHON

[ "$(with_postgres "$folder/venv/bin/python" "$folder/program.py")" = "0.000015|1.50|1.5" ] && exit 0
echo "This is no longer as it is described here." >&2
exit 1
