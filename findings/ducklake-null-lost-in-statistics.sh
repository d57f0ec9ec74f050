#!/bin/sh
# DuckLake (DuckDB's extension ducklake 1.5.5) does not find the NULLs of a column that was added to a table in the
# transaction that made the table, between two INSERTs. The statistics of the column are those of the second INSERT.
# Expected: the row from before has NULL there, and IS NULL finds it. Seen: IS NULL finds no row, and count of the column
# counts that row as well.
#
# Exits 0 while it is so, 1 once it has changed. Needs python3 with venv; writes into a temporary folder only.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. "$(dirname "$0")/helpers/python.sh"
install_python venv duckdb==1.5.5 duckdb-extension-ducklake==1.5.5

cat >"$folder/program.py" <<'PYTHON'
import sys
import duckdb
from duckdb_extension import lake_in

connection = lake_in(sys.argv[1])
connection.execute("BEGIN")
connection.execute("CREATE TABLE lake.t (id INTEGER)")
connection.execute("INSERT INTO lake.t SELECT range FROM range(1000)")
connection.execute("ALTER TABLE lake.t ADD COLUMN v INTEGER")
connection.execute("INSERT INTO lake.t SELECT range, range FROM range(1000, 2000)")
connection.execute("COMMIT")
isnull = connection.execute("SELECT count(*) FROM lake.t WHERE v IS NULL").fetchone()[0]
counted = connection.execute("SELECT count(v) FROM lake.t").fetchone()[0]
print(
    f"DuckDB {duckdb.__version__}, ducklake 1.5.5: of 2000 rows, 1000 of them with NULL, "
    f"IS NULL finds {isnull}, and count(v) is {counted}",
    file=sys.stderr,
)
print(f"{isnull}|{counted}")
PYTHON

[ "$("$folder/venv/bin/python" "$folder/program.py" "$folder")" = "0|2000" ] && exit 0
echo "This is no longer as it is described here." >&2
exit 1
