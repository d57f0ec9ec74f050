/** Names tables on the wire: all in one list, or each under its schema. */
import { destinationTableName } from '../destinations/naming';
import type { TableName } from '../model/source-selection';

export interface WireName {
  readonly schemaName: string | undefined;
  readonly tableName: string;
}

/** Schema of the two tables that describe the source, where tables are sent under schemas. */
const METADATA_SCHEMA = 'pgsluice';

export class WireNames {
  constructor(readonly withSchema: boolean) {}

  of(table: TableName): WireName {
    return this.withSchema
      ? { schemaName: table.schema, tableName: table.name }
      : { schemaName: undefined, tableName: destinationTableName(table, 'source') };
  }

  ofMetadata(name: string): WireName {
    return { schemaName: this.withSchema ? METADATA_SCHEMA : undefined, tableName: name };
  }
}

/** A key for maps: no name contains U+0000. */
export function wireKey({ schemaName, tableName }: WireName): string {
  return `${schemaName ?? ''}\0${tableName}`;
}

/** A name for messages. */
export function wireText({ schemaName, tableName }: WireName): string {
  return schemaName === undefined ? tableName : `${schemaName}.${tableName}`;
}
