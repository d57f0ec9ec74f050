import type { DestinationTable } from '../../../src/destinations/destination';
import { StreamDestination } from '../../../src/fivetran/stream-destination';
import { parseState } from '../../../src/fivetran/state-json';
import { UpdateStream } from '../../../src/fivetran/update-stream';
import { WireNames } from '../../../src/fivetran/wire-names';
import { PackedBatch, packValues } from '../../../src/model/packed-batch';
import type { TableState } from '../../../src/model/sync-state';
import { tableState } from '../../helpers/table-state';
import { decodeUpdate, encodeGenerically } from './decode';
import { setTimeout as delay } from 'node:timers/promises';

const TABLE: DestinationTable = {
  key: 'public.t',
  name: 'source_public_t',
  columns: [{ name: 'id', type: { kind: 'int32' } }],
  primaryKey: ['id'],
  keysMayRepeat: false,
  keepDeletedRows: true,
};
const STAMP = { startedAt: new Date('2025-01-01T00:00:00Z') };
const STATE = tableState();

class FakeCall {
  readonly sent: Record<string, unknown>[] = [];

  write(bytes: Buffer, written: () => void): boolean {
    this.sent.push(decodeUpdate(bytes));
    written();
    return true;
  }

  /** What was sent, in short. */
  summary(): string[] {
    return this.sent.flatMap((message) => {
      const records = (
        message['records'] as { records: { type?: string; data?: { id?: { int: number } } }[] } | undefined
      )?.records;
      return records === undefined
        ? [String(message['operation'])]
        : records.map(({ type, data }) => `${type ?? 'UPSERT'}${data?.id === undefined ? '' : ` ${data.id.int}`}`);
    });
  }

  checkpoint(): { tables: Record<string, TableState>; described: Record<string, string> } {
    const last = this.sent.findLast((message) => message['checkpoint'] !== undefined);
    return JSON.parse((last?.['checkpoint'] as { state_json: string }).state_json) as never;
  }
}

function open(
  state?: string,
  more: { checkpointEveryMs?: number } = {},
): { call: FakeCall; destination: StreamDestination; warnings: string[] } {
  const call = new FakeCall();
  const warnings: string[] = [];
  const destination = new StreamDestination({
    stream: new UpdateStream(call, new AbortController().signal),
    serialize: encodeGenerically,
    state: parseState(state),
    names: new WireNames(false),
    selection: { includesTable: () => true, includesColumn: () => true },
    secondsType: 'float64',
    sourceName: () => ({ schema: 'public', name: 't' }),
    warn: (message) => warnings.push(message),
    ...more,
  });
  return { call, destination, warnings };
}

const rows = (...ids: number[]): PackedBatch => new PackedBatch(ids.length, [packValues(ids.map(String))]);

it('truncates before a load, and ends what it sent with a checkpoint that holds the state', async () => {
  const { call, destination } = open();
  await destination.open();
  await destination.beginLoad(TABLE, STAMP, false);
  await destination.write(TABLE, rows(1, 2));
  expect(await destination.finishLoad(TABLE)).toEqual({ rows: 2, deleted: 0 });
  await destination.putState(TABLE.key, STATE);
  await destination.commit();
  expect(call.summary()).toEqual(['TRUNCATE', 'UPSERT 1', 'UPSERT 2', 'checkpoint']);
  expect(call.checkpoint().tables).toEqual({ 'public.t': STATE });
  await destination.close();
});

it('keeps to the last checkpoint in what it says after a rollback, and sends again what is read again', async () => {
  const { call, destination } = open();
  await destination.open();
  await destination.beginLoad(TABLE, STAMP, false);
  const progress = {
    ...STATE,
    lastSyncedAt: null,
    load: {
      startedAt: STATE.lastSyncedAt ?? '',
      signature: 'abc',
      source: 'x',
      firstXmin: '7',
      watermark: null,
      snapshots: 1,
      rows: 1,
      relations: [],
    },
  };
  await destination.write(TABLE, rows(1));
  await destination.putState(TABLE.key, progress);
  await destination.commit();
  await destination.write(TABLE, rows(2, 3));
  await destination.putState(TABLE.key, STATE);
  await destination.rollback();
  await destination.beginLoad(TABLE, STAMP, true);
  await destination.write(TABLE, rows(2, 4));
  await destination.commit();
  expect(call.checkpoint().tables['public.t']).toEqual(progress);
  // 3 was sent before the rollback and is not there any more.
  await destination.beginKeys(TABLE);
  await destination.collectKeys(TABLE, rows(3));
  // The attempt that collected those failed; the next one has its own.
  await destination.beginKeys(TABLE);
  await destination.collectKeys(TABLE, rows(1, 2, 4));
  expect(await destination.keepOnlyKeys(TABLE)).toBe(1);
  expect(await destination.finishLoad(TABLE)).toEqual({ rows: 3, deleted: 0 });
  expect(call.summary()).toEqual([
    'TRUNCATE',
    'UPSERT 1',
    'checkpoint',
    'UPSERT 2',
    'UPSERT 3',
    'UPSERT 2',
    'UPSERT 4',
    'checkpoint',
    'DELETE 3',
  ]);
  await destination.close();
});

it('says that it cannot know which rows vanished when another Update sent them', async () => {
  const load = {
    startedAt: '2025-01-01T00:00:00Z',
    signature: 'abc',
    source: 'x',
    firstXmin: '7',
    watermark: null,
    snapshots: 1,
    rows: 5,
    relations: [],
  };
  const { call, destination, warnings } = open(
    JSON.stringify({ version: 1, tables: { 'public.t': { ...STATE, load } }, described: {} }),
  );
  await destination.open();
  await destination.beginLoad(TABLE, STAMP, true);
  await destination.write(TABLE, rows(6));
  await destination.beginKeys(TABLE);
  await destination.collectKeys(TABLE, rows(1, 6));
  expect(await destination.keepOnlyKeys(TABLE)).toBe(0);
  expect(warnings).toEqual([
    expect.stringMatching(/^Rows of public\.t that were deleted while it was loaded.*may stay/),
  ]);
  expect(call.summary()).toEqual(['UPSERT 6']);
  await destination.close();
});

it('announces a table that is new or has changed, but not on the first sync', async () => {
  const first = open();
  await first.destination.open();
  await first.destination.beginLoad(TABLE, STAMP, false);
  await first.destination.putState(TABLE.key, STATE);
  await first.destination.commit();
  expect(first.call.summary()).toEqual(['TRUNCATE', 'checkpoint']);
  const state = JSON.stringify(first.call.checkpoint());

  const same = open(state);
  await same.destination.beginChanges(TABLE, STAMP);
  expect(same.call.summary()).toEqual([]);
  const changed = open(state);
  await changed.destination.beginLoad(
    { ...TABLE, columns: [...TABLE.columns, { name: 'x', type: { kind: 'json' } }] },
    STAMP,
    false,
  );
  await changed.destination.beginLoad({ ...TABLE, key: 'public.new', name: 'source_public_new' }, STAMP, false);
  // Behind a cut there, the platform may have been told or not; the checkpoint before says so.
  expect(changed.call.summary()).toEqual(['checkpoint', 'schema_change', 'TRUNCATE', 'schema_change', 'TRUNCATE']);
  expect(changed.call.checkpoint().described).toEqual({ 'public.t': '' });
  for (const { destination } of [first, same, changed]) await destination.close();
});

it('checkpoints in time even when nothing is committed', async () => {
  const { call, destination } = open(undefined, { checkpointEveryMs: 20 });
  await destination.open();
  while (call.sent.length < 2) await delay(20);
  expect(call.summary().slice(0, 2)).toEqual(['checkpoint', 'checkpoint']);
  await destination.close();
  const sent = call.sent.length;
  await delay(60);
  expect(call.sent.length).toBe(sent);
});
