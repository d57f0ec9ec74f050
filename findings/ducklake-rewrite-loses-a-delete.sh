#!/bin/sh
# DuckLake (DuckDB's extension ducklake 1.5.5) forgets a DELETE that is committed after a rewrite of the table's files.
# One connection deletes a row in a transaction. Another one calls ducklake_rewrite_data_files meanwhile. Then the first
# commits.
# Expected: the commit fails with a conflict, as it does where the other connection has changed rows itself; or the row is
# gone. Seen: the commit succeeds, and the row is back.
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

deleter = lake_in(sys.argv[1])
deleter.execute("CREATE TABLE lake.t AS SELECT range AS id FROM range(10000)")
# Something for the rewrite to take out.
deleter.execute("DELETE FROM lake.t WHERE id >= 9000")
rewriter = deleter.cursor()
deleter.execute("BEGIN")
deleter.execute("DELETE FROM lake.t WHERE id = 5")
rewriter.execute("CALL ducklake_rewrite_data_files('lake', 't', delete_threshold => 0.0)")
try:
    deleter.execute("COMMIT")
    outcome = "committed"
except duckdb.Error as error:
    outcome = f"refused: {error}"
rows = deleter.execute("SELECT count(*) FROM lake.t WHERE id = 5").fetchone()[0]
print(f"DuckDB {duckdb.__version__}, ducklake 1.5.5: the DELETE was {outcome}, and leaves {rows} row", file=sys.stderr)
print(f"{outcome}|{rows}")
PYTHON

[ "$("$folder/venv/bin/python" "$folder/program.py" "$folder")" = "committed|1" ] && exit 0
echo "This is no longer as it is described here." >&2
exit 1
