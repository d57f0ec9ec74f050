#!/bin/sh
# DuckDB 1.5.5 reads a long text again for every NULL that follows it in a column whose texts are stored uncompressed. A
# column is stored so where a few of its texts are too long for the other forms, and most are not.
# Expected: of 1000 rows, one with a text of 1 MB, the sum of the lengths is found about as fast where the others are NULL
# as where they are a short text. Seen: hundreds of times slower, with a gigabyte of memory.
#
# Exits 0 while it takes more than ten times as long, 1 once it has changed. Needs python3 with venv; writes into a
# temporary folder only.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. "$(dirname "$0")/helpers/python.sh"
install_python venv duckdb==1.5.5

cat >"$folder/program.py" <<'PYTHON'
import sys
import time
import duckdb


def seconds(others):
    path = f"{sys.argv[1]}/{len(others)}.db"
    with duckdb.connect(path) as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT i, CASE i WHEN 0 THEN repeat('z', 1000000) "
            f"ELSE {others} END AS v FROM range(1000) AS r(i)"
        )
    with duckdb.connect(path, read_only=True) as connection:
        begun = time.perf_counter()
        connection.execute("SELECT sum(length(v)) FROM t").fetchall()
        return time.perf_counter() - begun


null, short = seconds("NULL"), seconds("'x'")
print(
    f"DuckDB {duckdb.__version__}: {null:.3f} s where the others are NULL, {short:.3f} s where they are short",
    file=sys.stderr,
)
print("slow" if null > 10 * short else "fast")
PYTHON

[ "$("$folder/venv/bin/python" "$folder/program.py" "$folder")" = "slow" ] && exit 0
echo "This is no longer as it is described here." >&2
exit 1
