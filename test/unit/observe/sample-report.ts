import type { PlannedTable } from '../../../src/model/plan';
import type { SyncReport } from '../../../src/model/report';

export const emptyReport: SyncReport = {
  tables: [],
  operations: { upserts: 12, updates: 0, deletes: 3, truncates: 1, schemaChanges: 2, checkpoints: 4 },
  rows: 12,
  bytes: 100,
  seconds: 1,
};

export function plannedTable(name: string, estimatedRows = 1000, schema = 'public'): PlannedTable {
  return {
    table: {
      oid: 1,
      schema,
      name,
      kind: 'table',
      comment: null,
      columns: [],
      primaryKey: ['id'],
      relations: [],
      layout: '',
      rowSecurity: false,
      estimatedRows,
      bytes: 8192 * 1000,
    },
    category: 'small',
    readMethod: 'ranges',
    mode: 'xmin',
    modeReason: 'no indexed update column',
    replicationKey: null,
    batchRows: 5000,
    threads: 4,
    queueRows: 10_000,
    partitionRows: 50_000,
    checkpointRows: 1_000_000,
  };
}
