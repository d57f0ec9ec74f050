#!/bin/sh
# psqlODBC notices a transaction only where BEGIN is the first statement of a text. Where another statement stands before
# it in the same text, the server is in a transaction and the driver, in autocommit, is not: at the next error it rolls
# everything back, although Protocol=7.4-0 leaves errors to the program, and takes ROLLBACK TO SAVEPOINT for done.
# Expected: the savepoint is gone back to, as after a BEGIN that stands first. Seen: no error, and no transaction any more,
# so later statements see other rows. Measured with psqlODBC 13.02 and pyodbc 5.5.0.
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
import os
import sys
import pyodbc

driver = os.environ.get("DRIVER", "PostgreSQL Unicode")
source = f"DRIVER={{{driver}}};SERVER=127.0.0.1;PORT={os.environ['PGPORT']};DATABASE=postgres;UID=postgres;PWD=plain;Protocol=7.4-0"


def setting_after_an_error(beginning):
    connection = pyodbc.connect(source, autocommit=True)
    # The setting lasts as long as the transaction does.
    connection.execute(f"{beginning}; SET LOCAL lock_timeout = '7s'; SAVEPOINT here")
    try:
        connection.execute("SELECT 1 / 0").fetchone()
    except pyodbc.Error:
        pass
    connection.execute("ROLLBACK TO SAVEPOINT here")
    return connection.execute("SELECT current_setting('lock_timeout')").fetchone()[0]


first = setting_after_an_error("BEGIN")
later = setting_after_an_error("SELECT 1; BEGIN")
version = pyodbc.connect(source).getinfo(pyodbc.SQL_DRIVER_VER)
print(f"psqlODBC {version}: lock_timeout in the transaction, after BEGIN {first}, after SELECT 1; BEGIN {later}", file=sys.stderr)
print(f"{first}|{later}")
PYTHON

[ "$(with_postgres "$folder/venv/bin/python" "$folder/program.py")" = "7s|0" ] && exit 0
echo "This is no longer as it is described here." >&2
exit 1
