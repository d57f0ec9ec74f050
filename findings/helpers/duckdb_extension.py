import importlib
import pathlib

import duckdb


def connect_with(package):
    """Opens a DuckDB in memory with the extension that a package of PyPI holds."""
    folder = pathlib.Path(importlib.import_module(package).__file__).parent
    connection = duckdb.connect()
    connection.execute(f"LOAD '{next(folder.rglob('*.duckdb_extension'))}'")
    return connection
