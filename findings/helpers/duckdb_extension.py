import importlib
import pathlib

import duckdb


def connect_with(package):
    """Opens a DuckDB in memory with the extension that a package of PyPI holds."""
    folder = pathlib.Path(importlib.import_module(package).__file__).parent
    connection = duckdb.connect()
    connection.execute(f"LOAD '{next(folder.rglob('*.duckdb_extension'))}'")
    return connection


def lake_in(folder):
    """Opens a DuckDB in memory with a new DuckLake `lake` in the folder."""
    connection = connect_with("duckdb_extension_ducklake")
    connection.execute(f"ATTACH 'ducklake:{folder}/catalog.ducklake' AS lake (DATA_PATH '{folder}/data')")
    return connection
