import fc from 'fast-check';
import type { Pressure } from '../../../../src/model/resources';
import { AdaptiveController, categorize, parametersFor } from '../../../../src/engine/pressure/adaptive-processing';

const small = { batchRows: 5_000, threads: 4 };

function pressure(memoryPercent: number, cpuPercent: number): Pressure {
  return { memoryPercent, cpuPercent, memoryAvailableBytes: 1e9, diskPercent: 10 };
}

const CALM = pressure(50, 50);

/** Messages of one update. */
function messages(controller: AdaptiveController, reading: Pressure, nowMs: number): string[] {
  return controller.update(reading, nowMs).map((notice) => notice.message);
}

describe('parameters', () => {
  test.each([
    [0, 'small', 5_000, 4, 10_000, 50_000, 1_000_000],
    [999_999, 'small', 5_000, 4, 10_000, 50_000, 1_000_000],
    [1_000_000, 'medium', 2_500, 2, 5_000, 25_000, 500_000],
    [50_000_000, 'medium', 2_500, 2, 5_000, 25_000, 500_000],
    [50_000_001, 'large', 1_000, 1, 1_000, 5_000, 100_000],
  ])('of %d rows', (rows, category, batchRows, threads, queueRows, partitionRows, checkpointRows) => {
    expect(categorize(rows)).toBe(category);
    const documented = { category, batchRows, threads, queueRows, partitionRows, checkpointRows };
    expect(parametersFor(rows, 11, { batchMode: 'fixed' })).toEqual(documented);
    expect(parametersFor(rows, 11, { batchMode: 'adaptive' })).toEqual({
      ...documented,
      batchRows: 5_000,
      queueRows: 40_000,
    });
  });

  it('fewer rows wait where nothing is compressed', () => {
    for (const rows of [10, 2_000_000, 60_000_000])
      expect(parametersFor(rows, 11, { batchMode: 'adaptive', destination: 'null' }).queueRows).toBe(30_000);
  });

  test.each([
    [30, 5_000],
    [200, 750],
    [1_600, 93],
  ])('a table of %d columns has batches of %d rows', (columns, batchRows) => {
    for (const rows of [10, 2_000_000, 60_000_000])
      expect(parametersFor(rows, columns, { batchMode: 'adaptive' })).toMatchObject({ batchRows, queueRows: 40_000 });
    expect(parametersFor(10, columns, { batchMode: 'fixed' })).toMatchObject({ batchRows: 5_000 });
  });

  test('custom values replace those of every category', () => {
    const custom = { customBatchSize: 700, customThreads: 3, customQueueSize: 1_400 };
    for (const [rows, batchMode] of [10, 2_000_000, 60_000_000].flatMap((n) => [
      [n, 'fixed'] as const,
      [n, 'adaptive'] as const,
    ])) {
      expect(parametersFor(rows, 11, { batchMode, ...custom })).toMatchObject({
        batchRows: 700,
        threads: 3,
        queueRows: 1_400,
      });
    }
  });

  test('a custom batch larger than queue or partition is not cut by them', () => {
    expect(parametersFor(60_000_000, 11, { batchMode: 'fixed', customBatchSize: 20_000 })).toMatchObject({
      batchRows: 20_000,
      queueRows: 20_000,
      partitionRows: 20_000,
    });
  });
});

describe('memory pressure', () => {
  test('above 80 % takes a quarter off the batch, and says so', () => {
    const controller = new AdaptiveController(small);
    expect(controller.update(pressure(81, 10), 0)).toEqual([
      {
        level: 'warning',
        message: 'HIGH MEMORY PRESSURE: Reducing batch size from 5000 to 3750 records',
        fields: { batchRows: 3750 },
      },
    ]);
    expect(controller.batchRows()).toBe(3_750);
    // Off the queue as well.
    expect(controller.memoryShare).toBe(0.75);
  });

  test('above 90 % halves it', () => {
    const controller = new AdaptiveController(small);
    expect(messages(controller, pressure(91, 10), 0)).toEqual([
      'CRITICAL MEMORY PRESSURE: Reducing batch size from 5000 to 2500 records',
    ]);
  });

  test.each([80, 76])('of exactly %d %% changes nothing', (percent) => {
    const controller = new AdaptiveController(small);
    expect(messages(controller, pressure(percent, 10), 0)).toEqual([]);
  });

  test('seen by a burst of batches cuts once, and again a second later', () => {
    const controller = new AdaptiveController(small);
    const cuts = [0, 20, 500, 999, 1_000, 1_500].map((nowMs) => messages(controller, pressure(85, 10), nowMs).length);
    expect(cuts).toEqual([1, 0, 0, 0, 1, 0]);
  });

  test('that gets worse within the second cuts at once', () => {
    const controller = new AdaptiveController(small);
    controller.update(pressure(85, 10), 0);
    expect(messages(controller, pressure(95, 10), 100)).toEqual([
      'CRITICAL MEMORY PRESSURE: Reducing batch size from 3750 to 1875 records',
    ]);
    expect(messages(controller, pressure(95, 10), 200)).toEqual([]);
  });

  test('that lasts cuts down to 100 rows and then is silent', () => {
    const controller = new AdaptiveController(small);
    const sizes = Array.from({ length: 8 }, (_, second) => {
      controller.update(pressure(95, 10), second * 1_000);
      return controller.batchRows();
    });
    expect(sizes).toEqual([2_500, 1_250, 625, 312, 156, 100, 100, 100]);
    expect(messages(controller, pressure(95, 10), 20_000)).toEqual([]);
  });

  test('shown only by stalls counts as high', () => {
    const controller = new AdaptiveController(small);
    expect(messages(controller, { ...CALM, memoryStallPercent: 30 }, 0)).toEqual([
      'HIGH MEMORY PRESSURE: Reducing batch size from 5000 to 3750 records',
    ]);
    expect(messages(new AdaptiveController(small), { ...CALM, memoryStallPercent: 5 }, 0)).toEqual([]);
  });

  test('leaves a batch configured below 100 rows alone', () => {
    const controller = new AdaptiveController({ batchRows: 40, threads: 1 });
    expect(messages(controller, pressure(99, 10), 0)).toEqual([]);
    expect(controller.batchRows()).toBe(40);
  });
});

describe('CPU pressure', () => {
  test('above 85 % halves the readers, above 95 % leaves one', () => {
    expect(messages(new AdaptiveController(small), pressure(10, 86), 0)).toEqual([
      'HIGH CPU PRESSURE: Reducing threads from 4 to 2',
    ]);
    expect(messages(new AdaptiveController(small), pressure(10, 96), 0)).toEqual([
      'CRITICAL CPU PRESSURE: Reducing threads from 4 to 1',
    ]);
  });

  test('says whether this process uses the CPU, the server for it, or others do', () => {
    const told = (own: Partial<Pressure>): readonly string[] =>
      messages(new AdaptiveController(small), { ...pressure(10, 97.4), ...own }, 0);
    expect(told({ ownCpuPercent: 9.6 })).toEqual([
      'CRITICAL CPU PRESSURE: Reducing threads from 4 to 1 (CPU 97%: this process 10%, others 87%)',
    ]);
    expect(told({ ownCpuPercent: 40, serverCpuPercent: 30.2 })).toEqual([
      'CRITICAL CPU PRESSURE: Reducing threads from 4 to 1 (CPU 97%: this process 40%, the server for it 30%, others 27%)',
    ]);
  });

  test('that is our own takes no reader, and gives back those that others had taken', () => {
    const controller = new AdaptiveController(small);
    const own = { ...pressure(10, 100), ownCpuPercent: 55, serverCpuPercent: 35 };
    expect(messages(controller, own, 0)).toEqual([]);
    expect(messages(controller, { ...own, serverCpuPercent: 10 }, 1_000)).toHaveLength(1);
    controller.update(own, 5_000);
    expect(messages(controller, own, 8_000)).toEqual(['CPU pressure eased: Raising threads from 1 to 2']);
  });

  test('that lasts goes on halving, once a second', () => {
    const controller = new AdaptiveController(small);
    const readers = [0, 500, 1_000, 2_000].map((nowMs) => {
      controller.update(pressure(10, 90), nowMs);
      return controller.readers();
    });
    expect(readers).toEqual([2, 2, 1, 1]);
  });

  test('of a table with one reader changes nothing', () => {
    const controller = new AdaptiveController({ batchRows: 1_000, threads: 1 });
    expect(messages(controller, pressure(10, 99), 0)).toEqual([]);
    expect(controller.readers()).toBe(1);
  });
});

describe('the way back', () => {
  test('adds one reader for every two seconds of calm', () => {
    const controller = new AdaptiveController(small);
    controller.update(pressure(10, 99), 0);
    const seen = Array.from({ length: 10 }, (_, second) => messages(controller, CALM, 1_000 + second * 1_000));
    expect(seen.flat()).toEqual([
      'CPU pressure eased: Raising threads from 1 to 2',
      'CPU pressure eased: Raising threads from 2 to 3',
      'CPU pressure eased: Raising threads from 3 to 4',
    ]);
    expect([seen[1], seen[2]]).toEqual([[], ['CPU pressure eased: Raising threads from 1 to 2']]);
  });

  test('raises the batch by a quarter at a time, as information, and ends at the base', () => {
    const controller = new AdaptiveController(small);
    controller.update(pressure(95, 10), 0);
    const notices = [1, 3, 5, 7, 9, 11].flatMap((second) => controller.update(CALM, second * 1_000));
    expect(notices).toEqual(
      ['2500 to 3125', '3125 to 3906', '3906 to 4882', '4882 to 5000'].map((change) => ({
        level: 'info',
        message: `MEMORY pressure eased: Raising batch size from ${change} records`,
        fields: { batchRows: Number(change.split(' ').at(-1)) },
      })),
    );
  });

  test('does not begin just below the threshold', () => {
    const controller = new AdaptiveController(small);
    controller.update(pressure(95, 10), 0);
    for (let second = 1; second < 30; second++) controller.update(pressure(78, 10), second * 1_000);
    expect(controller.batchRows()).toBe(2_500);
  });

  test('starts its wait anew when the calm is broken', () => {
    const controller = new AdaptiveController(small);
    controller.update(pressure(10, 99), 0);
    controller.update(CALM, 1_000);
    controller.update(pressure(10, 83), 2_500);
    controller.update(CALM, 2_600);
    expect(messages(controller, CALM, 4_500)).toEqual([]);
    expect(messages(controller, CALM, 4_600)).toHaveLength(1);
  });

  test('waits longer each time that a step up brings the pressure back', () => {
    const controller = new AdaptiveController({ batchRows: 5_000, threads: 2 });
    const changes: number[] = [];
    // A host that is busy with two readers and calm with one.
    for (let nowMs = 0; nowMs < 300_000; nowMs += 100) {
      const reading = pressure(10, controller.readers() === 2 ? 99 : 50);
      if (controller.update(reading, nowMs).length > 0) changes.push(nowMs);
    }
    const raises = changes.filter((_, index) => index % 2 === 1);
    const waits = raises.slice(1).map((at, index) => at - (raises[index] ?? 0));
    expect(waits.length).toBeGreaterThan(4);
    expect(waits.every((wait, index) => index === 0 || wait >= (waits[index - 1] ?? 0))).toBe(true);
    expect(Math.max(...waits)).toBeGreaterThan(30_000);
  });
});

test('figures that are not known neither cut nor hold a cut', () => {
  const controller = new AdaptiveController(small);
  expect(messages(controller, pressure(NaN, NaN), 0)).toEqual([]);
  controller.update(pressure(99, 99), 1_000);
  for (let second = 2; second < 60; second++) controller.update(pressure(NaN, NaN), second * 1_000);
  expect([controller.batchRows(), controller.readers()]).toEqual([5_000, 4]);
});

test('what was cut for one table stays cut for the next, in proportion', () => {
  const controller = new AdaptiveController(small);
  controller.update(pressure(95, 90), 0);
  controller.setBase({ batchRows: 2_500, threads: 2 });
  expect([controller.batchRows(), controller.readers()]).toEqual([1_250, 2]);
  expect(messages(controller, pressure(95, 90), 1_000)).toEqual([
    'CRITICAL MEMORY PRESSURE: Reducing batch size from 1250 to 625 records',
    'HIGH CPU PRESSURE: Reducing threads from 2 to 1',
  ]);
  expect([controller.batchRows(1_000), controller.readers(1)]).toEqual([250, 1]);
});

describe('whatever happens', () => {
  const reading = fc.record({
    memoryPercent: fc.oneof(fc.double({ min: 0, max: 100, noNaN: true }), fc.constant(NaN)),
    cpuPercent: fc.oneof(fc.double({ min: 0, max: 100, noNaN: true }), fc.constant(NaN)),
    memoryStallPercent: fc.double({ min: 0, max: 100, noNaN: true }),
    memoryAvailableBytes: fc.constant(1e9),
    diskPercent: fc.constant(50),
  });
  const base = fc.record({ batchRows: fc.integer({ min: 1, max: 200_000 }), threads: fc.integer({ min: 1, max: 16 }) });
  const history = fc.array(fc.record({ reading, afterMs: fc.integer({ min: 0, max: 5_000 }), base: fc.option(base) }), {
    maxLength: 60,
  });

  test('batches stay between 100 rows and the base, readers between one and the base', () => {
    fc.assert(
      fc.property(base, history, base, (start, steps, other) => {
        const controller = new AdaptiveController(start);
        let nowMs = 0;
        for (const step of steps) {
          if (step.base !== null) controller.setBase(step.base);
          controller.update(step.reading, (nowMs += step.afterMs));
          for (const { batchRows, threads } of [step.base ?? start, other]) {
            const rows = controller.batchRows(batchRows);
            const readers = controller.readers(threads);
            expect(Number.isInteger(rows) && rows >= Math.min(100, batchRows) && rows <= batchRows).toBe(true);
            expect(Number.isInteger(readers) && readers >= 1 && readers <= threads).toBe(true);
          }
        }
      }),
    );
  });

  test('a notice is given exactly when something changes, and names both values', () => {
    fc.assert(
      fc.property(base, history, (start, steps) => {
        const controller = new AdaptiveController(start);
        let nowMs = 0;
        for (const step of steps) {
          const before = [controller.batchRows(), controller.readers()];
          const told = messages(controller, step.reading, (nowMs += step.afterMs)).join('\n');
          const after = [controller.batchRows(), controller.readers()];
          expect(told.includes(`batch size from ${before[0]} to ${after[0]} records`)).toBe(before[0] !== after[0]);
          expect(told.includes(`threads from ${before[1]} to ${after[1]}`)).toBe(before[1] !== after[1]);
        }
      }),
    );
  });

  test('lasting calm leads back to the base', () => {
    fc.assert(
      fc.property(base, history, (start, steps) => {
        const controller = new AdaptiveController(start);
        let nowMs = 0;
        for (const step of steps) controller.update(step.reading, (nowMs += step.afterMs));
        // At the longest wait of a minute, 35 steps of a quarter lead from 100 rows to 200,000.
        for (let step = 0; step < 40; step++) controller.update(CALM, (nowMs += 60_000));
        expect([controller.batchRows(), controller.readers()]).toEqual([start.batchRows, start.threads]);
      }),
    );
  });
});
