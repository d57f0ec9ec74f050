#!/bin/sh
# DuckDB 1.5.6 finds no row of a Parquet file by the value of a BLOB column, where the file has a bloom filter for it and
# the value has bytes other than printable ASCII. The filter is asked for the printed form ("\xFF"), which it has not seen.
# Expected: as many rows as were written with that value. Seen: 0, without an error; with hex(k) on both sides, all.
# A file gets bloom filters by default, wherever a dictionary is used: where values repeat, as foreign keys do.
# DuckDB 2.0.1 answers right.
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

path = sys.argv[1]
connection = duckdb.connect()
connection.execute(f"COPY (SELECT unhex(md5((i % 10)::VARCHAR)) AS k FROM range(1000) r(i)) TO '{path}' (FORMAT parquet)")
value = "unhex(md5('7'))"
count = lambda where: connection.execute(f"SELECT count(*) FROM '{path}' WHERE {where}").fetchone()[0]
equal, by_hex = count(f"k = {value}"), count(f"hex(k) = hex({value})")
print(f"DuckDB {duckdb.__version__}: 100 rows written; by k = value: {equal}, by hex(k) = hex(value): {by_hex}", file=sys.stderr)
print(equal, by_hex)
PYTHON

old=$("$folder/old/bin/python" "$folder/program.py" "$folder/old.parquet")
new=$("$folder/new/bin/python" "$folder/program.py" "$folder/new.parquet")
[ "$old" = "0 100" ] && [ "$new" = "100 100" ] && exit 0
echo "This is no longer as it is described here." >&2
exit 1
