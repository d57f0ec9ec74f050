#!/bin/sh
# DuckDB 1.5.5 writes whole tables anew that nobody has changed. A file is written with row groups of 2,048 rows: 40 MB
# of texts, 20 MB on the disk. It is then attached with row groups of 122,880 rows, the default, and one row goes into
# another table. Expected: the checkpoint writes that table, some kilobytes. Seen: it merges the row groups of the
# unchanged table, so all of its texts are written again.
#
# Exits 0 while it is so, 1 once it has changed. Needs python3 with venv; writes into a temporary folder only.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. "$(dirname "$0")/helpers/python.sh"
install_python venv duckdb==1.5.5

cat >"$folder/program.py" <<'PYTHON'
import os
import sys
import duckdb

ROW_GROUPS = {"small": 2048, "default": 122880}


def written_by_one_row(rows_of_group):
    """Bytes that this process writes while one row goes into another table of the file."""
    path = os.path.join(sys.argv[1], f"{rows_of_group}.db")
    with duckdb.connect() as made:
        made.execute(f"ATTACH '{path}' AS file (ROW_GROUP_SIZE {rows_of_group})")
        made.execute("CREATE TABLE file.other (id INTEGER)")
        made.execute(
            "CREATE TABLE file.texts AS SELECT i AS id, "
            "(SELECT string_agg(md5(i || '-' || j), '') FROM range(125) AS t(j)) AS body FROM range(10240) AS r(i)"
        )
    with duckdb.connect() as changed:
        changed.execute(f"ATTACH '{path}' AS file (ROW_GROUP_SIZE {ROW_GROUPS['default']})")
        before = written()
        changed.execute("INSERT INTO file.other VALUES (1)")
        changed.execute("CHECKPOINT file")
        return written() - before


def written():
    with open("/proc/self/io", encoding="ascii") as counters:
        return next(int(line.split()[1]) for line in counters if line.startswith("wchar:"))


small, default = (written_by_one_row(rows) / 1e6 for rows in ROW_GROUPS.values())
print(
    f"DuckDB {duckdb.__version__}: one row in another table writes {small:.1f} MB where the texts lie in row groups of "
    f"2,048 rows, and {default:.1f} MB where they lie in one of 122,880",
    file=sys.stderr,
)
sys.exit(0 if small > 15 and default < 5 else 1)
PYTHON

"$folder/venv/bin/python" "$folder/program.py" "$folder" && exit 0
echo "This is no longer as it is described here." >&2
exit 1
