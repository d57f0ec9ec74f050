"""dlt into a DuckDB file. Arguments: table, warehouse, working folder, backend (connectorx or pyarrow)."""

import os
import sys

import dlt
from dlt.sources.sql_database import sql_table

table, warehouse, folder, backend = sys.argv[1:5]
# SQLAlchemy alone would choose whichever driver its version prefers.
url = os.environ["BENCH_URL"].replace("postgresql://", "postgresql+psycopg2://")
options = {"chunk_size": 50_000, "backend": backend}
if backend == "connectorx":
    options["backend_kwargs"] = {"return_type": "arrow"}
source = sql_table(credentials=url, table=table, schema="public", reflection_level="full_with_precision", **options)
pipeline = dlt.pipeline(
    pipeline_name=f"bench_{backend}",
    pipelines_dir=folder,
    destination=dlt.destinations.duckdb(warehouse),
    dataset_name="tester",
)
pipeline.run(source, write_disposition="replace")
counts = pipeline.last_trace.last_normalize_info.row_counts
print(f"rows={counts[table]}")
