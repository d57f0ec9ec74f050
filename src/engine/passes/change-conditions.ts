/** SQL conditions that leave out the rows of a relation which cannot have changed since the last pass. */
import { sinceWatermark } from '../../postgres/catalog';
import { quoteIdentifier } from '../../postgres/connection';
import { ROW_ALIAS } from '../../postgres/read';
import { unseenFrom, type TableRun } from '../plan';
import { changedSince } from './changed-since';

export function changeConditions(run: TableRun, relationOid: number): string[] {
  const { committed, pass } = run;
  if (committed === null || run.readWhole.has(relationOid)) return [];
  switch (pass.kind) {
    case 'by-xmin': {
      const since = unseenFrom(committed);
      return since === null ? [] : [changedSince(since)];
    }
    case 'by-timestamp':
      return atOrAfterWatermark(run, committed.watermark);
    case 'full-load':
    case 'by-log':
    case 'keys-only':
      return [];
  }
}

function atOrAfterWatermark(run: TableRun, watermark: string | null): string[] {
  const key = run.planned.table.columns.find(({ name }) => name === run.decision.replicationKey);
  if (key === undefined || watermark === null) return [];
  const reference = `${ROW_ALIAS}.${quoteIdentifier(key.name)}`;
  return [sinceWatermark(reference, key.sourceType.name, watermark, key.nullable)];
}
