"""What pyodbc or an extension of DuckDB makes of values. Called by values-by-other-ways.js with the name of one.

Reads {"odbc": connection string, "libpq": connection string, "tables": [name]} from standard input, each table
with a column `v` and one row; writes {"versions": {program: version}, "values": [value or error]}.
"""
import importlib
import json
import pathlib
import sys

import duckdb
import pyodbc

DRIVER_NAME = pyodbc.SQL_DRIVER_NAME
DRIVER_VERSION = pyodbc.SQL_DRIVER_VER


def extension(package):
    """The path of the extension that a package of PyPI holds."""
    folder = pathlib.Path(importlib.import_module(package).__file__).parent
    return next(folder.rglob("*.duckdb_extension"))


def attempt(read):
    try:
        return read()
    except Exception as error:  # whatever it is, it is what a user would see
        # pyodbc's message is its second argument; DuckDB's has its class in front.
        text = str(error.args[-1] if error.args else error).splitlines()[0]
        return {"error": text}


def by_duckdb(connection, source):
    type_name, text = connection.execute(f"SELECT typeof(v), v::VARCHAR FROM {source}").fetchone()
    return {"type": type_name, "text": text}


def by_pyodbc(connection, table):
    value = connection.cursor().execute(f"SELECT v FROM {table}").fetchone()[0]
    # As a program would write it into a file, but for bytes, whose text would be Python's own.
    text = None if value is None else repr(value) if isinstance(value, (bytes, float)) else str(value)
    return {"type": type(value).__name__, "text": text}


def main():
    way = sys.argv[1]
    asked = json.load(sys.stdin)
    if way == "pyodbc":
        odbc = pyodbc.connect(asked["odbc"], autocommit=True)
        versions = {"pyodbc": pyodbc.version, "driver": f"{odbc.getinfo(DRIVER_NAME)} {odbc.getinfo(DRIVER_VERSION)}"}
        values = [attempt(lambda it=it: by_pyodbc(odbc, it)) for it in asked["tables"]]
        odbc.close()
    else:
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"LOAD '{extension(f'duckdb_extension_{way}')}'")
        if way == "postgres_scanner":
            connection.execute(f"ATTACH '{asked['libpq']}' AS pg (TYPE postgres, READ_ONLY)")
            source = "pg.public.{}"
        else:
            # One connection for all, rather than one for each query.
            (handle,) = connection.execute("SELECT odbc_connect(?)", [asked["odbc"]]).fetchone()
            connection.execute(f"SET VARIABLE handle = {handle}")
            source = "odbc_query(getvariable('handle'), 'SELECT v FROM {}')"
        versions = {"duckdb": duckdb.__version__}
        values = [attempt(lambda it=it: by_duckdb(connection, source.format(it))) for it in asked["tables"]]
        connection.close()
    json.dump({"versions": versions, "values": values}, sys.stdout)


main()
