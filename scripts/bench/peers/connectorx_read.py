"""connectorx into Arrow in memory, and no destination. Arguments: URL, table."""

import sys

import connectorx

url, table = sys.argv[1], sys.argv[2]
data = connectorx.read_sql(url, f'SELECT * FROM public."{table}"', return_type="arrow", protocol="binary")
print(f"rows={data.num_rows}")
