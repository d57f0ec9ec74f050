"""arrow-odbc in batches, and no destination. Argument: table."""

import os
import sys

from arrow_odbc import read_arrow_batches_from_odbc

connection_string, table = os.environ["BENCH_CONNECTION_STRING"], sys.argv[1]
reader = read_arrow_batches_from_odbc(
    query=f'SELECT * FROM public."{table}"',
    connection_string=connection_string + "UseDeclareFetch=1;Fetch=5000;",
    batch_size=5000,
    # psqlODBC reports text without a length as 8,190 characters; without a limit, buffers would have that size per cell.
    max_text_size=8192,
)
print(f"rows={sum(batch.num_rows for batch in reader)}")
