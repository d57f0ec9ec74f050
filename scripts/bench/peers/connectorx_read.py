"""connectorx into Arrow in memory, and no destination. Argument: table."""

import os
import sys

import connectorx

url, table = os.environ["BENCH_URL"], sys.argv[1]
data = connectorx.read_sql(url, f'SELECT * FROM public."{table}"', return_type="arrow", protocol="binary")
print(f"rows={data.num_rows}")
