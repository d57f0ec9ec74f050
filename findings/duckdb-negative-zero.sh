#!/bin/sh
# DuckDB 1.5.6 changes stored values at a checkpoint: a DOUBLE column that holds 0.0 and -0.0 loses the sign of one of them,
# since its constant and run-length compressions take equal values for the same value, and 0.0 = -0.0.
# Expected: 1 / v is the same before and after CHECKPOINT. Seen: -infinity becomes infinity.
# DuckDB 2.0.1 keeps both.
#
# Exits 0 while it is so, 1 once it has changed. Needs python3 with venv; writes into a temporary folder only.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. "$(dirname "$0")/helpers/python.sh"
install_python old duckdb==1.5.6
install_python new duckdb==2.0.1

cat >"$folder/program.py" <<'PYTHON'
import sys
import duckdb

connection = duckdb.connect(sys.argv[1])
connection.execute("CREATE TABLE t AS SELECT i AS id, (CASE WHEN i % 2 = 0 THEN '0.0' ELSE '-0.0' END)::DOUBLE AS v FROM range(4) r(i)")
values = lambda: [v for (v,) in connection.execute("SELECT v::VARCHAR FROM t ORDER BY id").fetchall()]
before = values()
connection.execute("CHECKPOINT")
# What memory still holds is not asked: the file is opened anew.
connection.close()
connection = duckdb.connect(sys.argv[1])
after = values()
print(f"DuckDB {duckdb.__version__}: before {before}, after {after}", file=sys.stderr)
print("same" if before == after else "changed")
PYTHON

old=$("$folder/old/bin/python" "$folder/program.py" "$folder/old.db")
new=$("$folder/new/bin/python" "$folder/program.py" "$folder/new.db")
[ "$old" = changed ] && [ "$new" = same ] && exit 0
echo "This is no longer as it is described here." >&2
exit 1
