import { PackedBatch } from '../../../../src/model/packed-batch';
import { ConnectorError } from '../../../../src/common/errors';
import type { Destination } from '../../../../src/destinations/destination';
import type { TableState } from '../../../../src/model/sync-state';
import { TableRun } from '../../../../src/engine/plan/table-run';
import { Writer, type WriterOptions } from '../../../../src/engine/write/writer';
import { loadProgress } from '../../../helpers/table-state';

const PROGRESS = loadProgress();

function runOf(name: string): TableRun {
  return new TableRun({
    planned: { table: { schema: 'public', name }, queueRows: 1000 },
    destinationTable: { key: `public.${name}`, name, columns: [] },
    pass: { kind: 'full-load' },
    committed: null,
    fresh: true,
    decision: { mode: 'full' },
  } as unknown as ConstructorParameters<typeof TableRun>[0]);
}

const nothing = (): void => undefined;

/** A writer to a destination of a few methods; the rest of it must not be called. */
function writerTo(
  destination: Partial<Destination>,
  options: Partial<WriterOptions> = {},
  states = new Map<string, TableState>(),
): Writer {
  const all: WriterOptions = {
    destination: destination as Destination,
    logger: { debug: nothing, info: nothing, warning: nothing, severe: nothing },
    queueBytes: 1000,
    queueShare: () => 1,
    onCommitted: nothing,
    onWritten: nothing,
    openTables: () => 1,
    onFatal: nothing,
    ...options,
  };
  return new Writer(all, states);
}

// A destination may hold rows back, and learn only before a commit that some of them do not fit.
it('what the destination refuses before a commit costs its own table an attempt, and the others a repetition', async () => {
  const calls: string[] = [];
  const destination: Partial<Destination> = {
    beginLoad: ({ name }) => Promise.resolve(void calls.push(`begin ${name}`)),
    flush: ({ name }) => {
      calls.push(`flush ${name}`);
      if (name !== 'bad') return Promise.resolve();
      return Promise.reject(new ConnectorError('It does not fit.', { code: 'value_does_not_fit', kind: 'source' }));
    },
    finishLoad: () => Promise.resolve({ rows: 0, deleted: 0 }),
    putState: (key) => Promise.resolve(void calls.push(`state ${key}`)),
    commit: () => Promise.resolve(void calls.push('commit')),
    rollback: () => Promise.resolve(void calls.push('rollback')),
  };
  const fatal = jest.fn();
  const states = new Map<string, TableState>();
  const writer = writerTo(destination, { queueBytes: 1e6, onFatal: fatal }, states);
  const [good, bad] = [runOf('good'), runOf('bad')];
  await writer.begin(good, PROGRESS, false);
  await writer.begin(bad, PROGRESS, false);
  const finished = writer.finish(good, () => ({ rows: 0 }) as TableState);
  await expect(finished).rejects.toMatchObject({ code: 'rolled_back', retryable: true });
  expect(bad.failure).toMatchObject({ code: 'value_does_not_fit' });
  expect(good.failure).toMatchObject({ code: 'rolled_back' });
  expect(calls).toEqual(['begin good', 'begin bad', 'flush good', 'flush bad', 'rollback']);
  expect(states.size).toBe(0);

  calls.length = 0;
  good.revive();
  await writer.begin(good, PROGRESS, false);
  await writer.finish(good, () => ({ rows: 0 }) as TableState);
  expect(calls).toEqual(['begin good', 'flush good', 'state public.good', 'commit']);
  expect([...states.keys()]).toEqual(['public.good']);
  expect(fatal).not.toHaveBeenCalled();
});

it('changes that a table cannot take before a commit of all cost no other table more than a repetition', async () => {
  const fatal = jest.fn();
  const rollback = jest.fn(() => Promise.resolve());
  const destination: Partial<Destination> = {
    beginChanges: () => Promise.resolve(),
    applyChanges: ({ name }) =>
      name === 'bad'
        ? Promise.reject(new ConnectorError('An index forbids it.', { code: 'copy_altered', kind: 'source' }))
        : Promise.resolve(),
    putState: () => Promise.resolve(),
    commit: () => Promise.resolve(),
    rollback,
  };
  const writer = writerTo(destination, { queueBytes: 1e6, openTables: () => 2, onFatal: fatal });
  const [good, bad] = [runOf('good'), runOf('bad')];
  for (const run of [good, bad]) {
    run.changePass({ kind: 'by-xmin', proof: 'none' });
    await writer.begin(run, PROGRESS, false);
  }
  await writer.commit();
  expect(bad.failure).toMatchObject({ code: 'copy_altered' });
  expect(good.failure).toMatchObject({ code: 'rolled_back' });
  expect(rollback).toHaveBeenCalledTimes(1);
  expect(fatal).not.toHaveBeenCalled();
});

it('commits the loss of rows from a load with the state of its table, which tells whose they are', async () => {
  const calls: string[] = [];
  const destination: Partial<Destination> = {
    beginLoad: () => Promise.resolve(),
    keepOnlyKeys: () => {
      calls.push('keys');
      return Promise.resolve(3);
    },
    putState: (key) => Promise.resolve(void calls.push(`state ${key}`)),
    commit: () => Promise.resolve(void calls.push('commit')),
  };
  const writer = writerTo(destination);
  const run = runOf('t');
  await writer.begin(run, PROGRESS, false);
  await writer.commit();
  expect(await writer.keepOnlyKeys(run)).toBe(3);
  await writer.commit();
  expect(calls).toEqual(['state public.t', 'commit', 'keys', 'state public.t', 'commit']);
});

it.each([2, 3])(
  'appends rows once more where %d commits fail for the sake of others, up to a limit',
  async (failing) => {
    const calls: string[] = [];
    let failed = 0;
    const fatal = jest.fn();
    const destination: Partial<Destination> = {
      append: ({ name }) => Promise.resolve(void calls.push(name)),
      rollback: () => Promise.resolve(void calls.push('rollback')),
      commit: () => {
        if (failed++ >= failing) return Promise.resolve(void calls.push('commit'));
        const options = { code: 'lake_conflict', kind: 'destination', retryable: true } as const;
        return Promise.reject(new ConnectorError('Another process was quicker.', options));
      },
    };
    const writer = writerTo(destination, { onFatal: fatal });
    const { destinationTable } = runOf('described');
    await writer.append(destinationTable, new PackedBatch(1, [], 100), new Date());
    const committed = writer.commit();
    if (failing < 3) {
      await committed;
      expect(calls).toEqual(['described', 'rollback', 'described', 'rollback', 'described', 'commit']);
      expect(fatal).not.toHaveBeenCalled();
    } else {
      await expect(committed).rejects.toMatchObject({ code: 'lake_conflict' });
      expect(fatal).toHaveBeenCalledTimes(1);
    }
  },
);

it('ends the attempt of one table alone where the destination lacks a file of it', async () => {
  const fatal = jest.fn();
  const destination: Partial<Destination> = {
    beginLoad: () => Promise.resolve(),
    keepOnlyKeys: () =>
      Promise.reject(new ConnectorError('It is gone.', { code: 'lost', kind: 'destination', ofTable: true })),
    rollback: () => Promise.resolve(),
  };
  const writer = writerTo(destination, { onFatal: fatal });
  const [good, bad] = [runOf('good'), runOf('bad')];
  for (const run of [good, bad]) await writer.begin(run, PROGRESS, false);
  await expect(writer.keepOnlyKeys(bad)).rejects.toMatchObject({ code: 'lost' });
  expect(good.failure).toMatchObject({ code: 'rolled_back', retryable: true });
  expect(fatal).not.toHaveBeenCalled();
});

it('takes fewer batches ahead where memory is short', async () => {
  // A write that never ends: what it holds back stays in the queue.
  const unended = new Promise<void>(() => undefined);
  const pushed = async (share: number): Promise<number> => {
    const writer = writerTo({ beginLoad: () => Promise.resolve(), write: () => unended }, { queueShare: () => share });
    const run = runOf('t');
    await writer.begin(run, PROGRESS, false);
    let accepted = 0;
    for (let batch = 0; batch < 20; batch += 1)
      void writer.batch(run, new PackedBatch(1, [], 100), 1, { lo: 0, hi: 1 }).then(() => (accepted += 1));
    await new Promise((resolve) => setImmediate(resolve));
    return accepted;
  };
  expect(await pushed(1)).toBe(10);
  expect(await pushed(0.5)).toBe(5);
});

// No caller waits for the commit of a table whose end has failed; an unhandled rejection would end the service.
it('leaves no rejection unheard when the destination goes away at the commit of the last table', async () => {
  const unheard = jest.fn();
  process.on('unhandledRejection', unheard);
  const gone = new ConnectorError('The client has gone away.', { code: 'interrupted', kind: 'interrupted' });
  const destination: Partial<Destination> = {
    beginLoad: () => Promise.resolve(),
    finishLoad: () => Promise.resolve({ rows: 0, deleted: 0 }),
    putState: () => Promise.resolve(),
    commit: () => Promise.reject(gone),
  };
  const writer = writerTo(destination);
  const run = runOf('t');
  await writer.begin(run, PROGRESS, false);
  await expect(writer.finish(run, () => ({ rows: 0 }) as TableState)).rejects.toBe(gone);
  await new Promise((resolve) => setTimeout(resolve, 10));
  process.off('unhandledRejection', unheard);
  expect(unheard).not.toHaveBeenCalled();
});
