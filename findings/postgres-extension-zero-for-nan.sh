#!/bin/sh
# DuckDB's extension postgres 1.5.5 reads NaN and infinities of a numeric column as 0, and a timestamp behind the year
# 294247, which PostgreSQL has and DuckDB has not, as one of the year 290279 BC. It reads numeric as DOUBLE, which has a
# NaN and infinities of its own, and dates and double precision of such values come right.
# Expected: NaN and Infinity, an error for the timestamp. Seen: 0.0 and a date BC, without an error: sums of such a column
# are wrong numbers where PostgreSQL's are NaN.
#
# Exits 0 while it is so, 1 once it has changed. Needs Node.js 20 and python3 with venv; writes into a temporary folder only.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. "$(dirname "$0")/helpers/with-postgres.sh"
. "$(dirname "$0")/helpers/python.sh"
install_postgres
install_python venv duckdb==1.5.5 duckdb-extension-postgres-scanner==1.5.5

cat >"$folder/program.py" <<'PYTHON'
import os
import sys
import duckdb
from duckdb_extension import connect_with

connection = connect_with("duckdb_extension_postgres_scanner")
source = f"host=127.0.0.1 port={os.environ['PGPORT']} dbname=postgres user=postgres password=plain"
connection.execute(f"ATTACH '{source}' AS pg (TYPE postgres)")
connection.execute(
    "CALL postgres_execute('pg', 'CREATE TABLE t AS SELECT ''NaN''::numeric AS a, ''Infinity''::numeric AS b, "
    "''NaN''::float8 AS c, ''294276-12-31 23:59:59''::timestamp AS d')"
)
row = connection.execute("SELECT a::VARCHAR, b::VARCHAR, c::VARCHAR, d::VARCHAR FROM pg.public.t").fetchone()
print(
    f"DuckDB {duckdb.__version__}, postgres 1.5.5: numeric NaN {row[0]}, numeric Infinity {row[1]}, "
    f"double precision NaN {row[2]}, timestamp 294276-12-31 23:59:59 {row[3]}",
    file=sys.stderr,
)
print("|".join(row))
PYTHON

[ "$(with_postgres "$folder/venv/bin/python" "$folder/program.py")" = "0.0|0.0|nan|290279-12-14 (BC) 15:58:09.448384" ] && exit 0
echo "This is no longer as it is described here." >&2
exit 1
