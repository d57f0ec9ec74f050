#!/bin/sh
# DuckLake (DuckDB's extension ducklake 1.5.5) commits a transaction that conflicts with a later one, once the snapshots
# since its beginning have expired. Two transactions delete the same row and insert one each. The second commits, and a
# table is made; then ducklake_expire_snapshots forgets all snapshots but the newest; then the first commits.
# Expected: the first is refused, as it is without the expiry. Seen: it commits, and both rows are there.
#
# Exits 0 while it is so, 1 once it has changed. Needs python3 with venv; writes into a temporary folder only.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. "$(dirname "$0")/helpers/python.sh"
install_python venv duckdb==1.5.5 duckdb-extension-ducklake==1.5.5

cat >"$folder/program.py" <<'PYTHON'
import os
import sys
import duckdb
from duckdb_extension import lake_in


def outcome(name, expires):
    folder = os.path.join(sys.argv[1], name)
    os.mkdir(folder)
    lake = lake_in(folder)
    lake.execute("CREATE TABLE lake.owner AS SELECT 1 AS generation")
    first, second = lake.cursor(), lake.cursor()
    for connection, generation in ((first, 2), (second, 3)):
        connection.execute("BEGIN")
        connection.execute("DELETE FROM lake.owner WHERE generation = 1")
        connection.execute(f"INSERT INTO lake.owner VALUES ({generation})")
    second.execute("COMMIT")
    # The newest snapshot always stays.
    lake.execute("CREATE TABLE lake.another AS SELECT 1 AS id")
    if expires:
        lake.execute("CALL ducklake_expire_snapshots('lake', older_than => now())")
    try:
        first.execute("COMMIT")
        result = "committed"
    except duckdb.Error:
        result = "refused"
    rows = lake.execute("SELECT count(*) FROM lake.owner").fetchone()[0]
    return f"{result}, {rows} row{'' if rows == 1 else 's'}"


without, expired = outcome("without", False), outcome("expired", True)
print(
    f"DuckDB {duckdb.__version__}, ducklake 1.5.5: the earlier transaction is {without} left; "
    f"with the snapshots expired it is {expired} left",
    file=sys.stderr,
)
print(f"{without}|{expired}")
PYTHON

[ "$("$folder/venv/bin/python" "$folder/program.py" "$folder")" = "refused, 1 row|committed, 2 rows" ] && exit 0
echo "This is no longer as it is described here." >&2
exit 1
