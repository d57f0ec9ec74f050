"""The inner loop of a Python ODBC connector: fetchmany(5000) into one dictionary a row, and no destination.

Arguments: table, and `declare` to read with a server-side cursor (UseDeclareFetch).
"""

import os
import sys

import pyodbc

BATCH = 5000

connection_string, table = os.environ["BENCH_CONNECTION_STRING"], sys.argv[1]
if "declare" in sys.argv[2:]:
    connection_string += f"UseDeclareFetch=1;Fetch={BATCH};"
connection = pyodbc.connect(connection_string)
cursor = connection.cursor()
cursor.execute(f'SELECT * FROM public."{table}"')
columns = [column[0] for column in cursor.description]
rows = 0
while True:
    batch = cursor.fetchmany(BATCH)
    if not batch:
        break
    for row in batch:
        record = dict(zip(columns, row))
        rows += 1
print(f"rows={rows}")
