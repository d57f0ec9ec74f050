"""Counts and sums tables of a lake every 100 ms, for the last time when standard input has ended:

    lake-reader.py EXTENSIONS CATALOG TABLE…

Prints a line for each new answer (table, count, sum), and for each error."""

import select
import sys

import duckdb

extensions, catalog, *tables = sys.argv[1:]
lake = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
for name in ("ducklake", "postgres_scanner"):
    lake.execute(f"LOAD '{extensions}/{name}.duckdb_extension'")
quoted = catalog.replace("'", "''")
lake.execute(f"ATTACH 'ducklake:postgres:{quoted}' AS lake (READ_ONLY)")
print("reading", duckdb.__version__, flush=True)
seen = set()
ended = False
while not ended:
    ended = bool(select.select([sys.stdin], [], [], 0.1)[0])
    for table in tables:
        try:
            there = lake.execute(
                "SELECT 1 FROM duckdb_tables() WHERE database_name = 'lake' AND table_name = ?", [table]
            ).fetchone()
            if there is None:
                continue
            answer = (table, *lake.execute(
                f"SELECT count(*), sum(n)::VARCHAR FROM lake.tester.{table} WHERE NOT _fivetran_deleted"
            ).fetchone())
        except Exception as error:  # Every error counts.
            answer = ("error", str(error).replace("\n", " "), "")
        if answer not in seen:
            seen.add(answer)
            print(*answer, sep="\t", flush=True)
