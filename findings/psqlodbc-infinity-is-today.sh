#!/bin/sh
# psqlODBC gives the date 'infinity' as the day on which the query is run, and 44 BC as 44 AD. A timestamp 'infinity' is
# 9999-12-31 23:59:59 by the same driver, so it knows of infinities.
# Expected: an error, or a date that stands for it. Seen: today, another value each day, and nothing that tells the rows
# apart from those that do hold today. Measured with psqlODBC 13.02 and pyodbc 5.5.0.
#
# Exits 0 while it is so, 1 once it has changed. Needs psqlODBC (DRIVER names it, else "PostgreSQL Unicode"), Node.js 20
# and python3 with venv; writes into a temporary folder only.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. "$(dirname "$0")/helpers/with-postgres.sh"
. "$(dirname "$0")/helpers/python.sh"
install_postgres
install_python venv pyodbc==5.5.0

cat >"$folder/program.py" <<'PYTHON'
import datetime
import os
import sys
import pyodbc

driver = os.environ.get("DRIVER", "PostgreSQL Unicode")
connection = pyodbc.connect(f"DRIVER={{{driver}}};SERVER=127.0.0.1;PORT={os.environ['PGPORT']};DATABASE=postgres;UID=postgres;PWD=plain")
before = datetime.date.today()
date, moment, ides = connection.execute(
    "SELECT 'infinity'::date, 'infinity'::timestamp, '0044-03-15 BC'::date"
).fetchone()
# Midnight may pass between the two.
is_today = date in (before, datetime.date.today())
version = connection.getinfo(pyodbc.SQL_DRIVER_VER)
print(f"psqlODBC {version}, pyodbc {pyodbc.version}: date infinity {date}, timestamp infinity {moment}, 44 BC {ides}", file=sys.stderr)
print("today" if is_today else date, moment.year, ides)
PYTHON

[ "$(with_postgres "$folder/venv/bin/python" "$folder/program.py")" = "today 9999 0044-03-15" ] && exit 0
echo "This is no longer as it is described here." >&2
exit 1
