"""An extension of DuckDB into a DuckDB file. Arguments: table, warehouse, extension (postgres_scanner or odbc_scanner)."""

import importlib
import os
import pathlib
import sys
import urllib.parse

import duckdb

table, warehouse, extension = sys.argv[1:4]
# The wheel holds the extension: nothing is fetched from elsewhere.
wheel = pathlib.Path(importlib.import_module(f"duckdb_extension_{extension}").__file__).parent
connection = duckdb.connect(warehouse)
connection.execute(f"LOAD '{next(wheel.rglob('*.duckdb_extension'))}'")
if extension == "postgres_scanner":
    url = urllib.parse.urlsplit(os.environ["BENCH_URL"])
    options = {
        "host": url.hostname,
        "port": url.port,
        "dbname": url.path[1:],
        "user": urllib.parse.unquote(url.username),
        "password": urllib.parse.unquote(url.password),
    }
    conninfo = " ".join(f"{name}={value}" for name, value in options.items())
    connection.execute(f"ATTACH '{conninfo}' AS source (TYPE postgres, READ_ONLY)")
    rows = f'source.public."{table}"'
else:
    (handle,) = connection.execute("SELECT odbc_connect(?)", [os.environ["BENCH_CONNECTION_STRING"]]).fetchone()
    connection.execute(f"SET VARIABLE handle = {handle}")
    rows = f"odbc_query(getvariable('handle'), 'SELECT * FROM public.\"{table}\"')"
connection.execute(f'CREATE TABLE "{table}" AS SELECT * FROM {rows}')
(count,) = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()
connection.close()
print(f"rows={count}")
