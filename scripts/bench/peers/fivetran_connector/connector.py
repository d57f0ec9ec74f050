"""A connector for Fivetran's own SDK that does what the replaced one did: fetchmany(5000), a dictionary and an upsert a row."""

import pyodbc
from fivetran_connector_sdk import Connector, Operations as op

BATCH = 5000


def schema(configuration: dict):
    return [{"table": configuration["table"], "primary_key": ["id"]}]


def update(configuration: dict, state: dict):
    cursor = pyodbc.connect(configuration["connection_string"]).cursor()
    cursor.execute(f'SELECT * FROM public."{configuration["table"]}"')
    columns = [column[0] for column in cursor.description]
    while True:
        batch = cursor.fetchmany(BATCH)
        if not batch:
            break
        for row in batch:
            op.upsert(configuration["table"], dict(zip(columns, row)))
    op.checkpoint(state)


connector = Connector(update=update, schema=schema)
