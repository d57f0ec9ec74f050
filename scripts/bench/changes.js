// Incremental syncs: 1 % of the rows changed, against reading all of them anew.
const { pgsluiceSync } = require('./contenders');
const { inFolder, measure, median } = require('./rounds');

const CHANGED_PERCENT = 1;

/**
 * @returns {Promise<{ fullSeconds: number, incrementalSeconds: number, rowsChanged: number, failure?: string }>}
 */
async function measureChanges({ source, main, database, rounds, say }) {
  const full = [];
  const incremental = [];
  let rowsChanged = 0;
  for (let round = 0; round < rounds; round += 1) {
    const failure = await inFolder(async (folder) => {
      const sync = () =>
        measure(source, database, pgsluiceSync(main, source.server, { database, table: 'orders', folder }));
      const first = await sync();
      if (first.failure !== undefined) return `${first.failure}: ${first.output.trim().split('\n').at(-1)}`;
      rowsChanged = await changeRows(source, database, round);
      const second = await sync();
      if (second.failure !== undefined) return `${second.failure}: ${second.output.trim().split('\n').at(-1)}`;
      full.push(first.seconds);
      incremental.push(second.seconds);
      say(`  round ${round + 1}/${rounds}  full ${first.seconds.toFixed(2)} s, then ${second.seconds.toFixed(2)} s`);
      return undefined;
    });
    if (failure !== undefined) return { fullSeconds: NaN, incrementalSeconds: NaN, rowsChanged, failure };
  }
  return { fullSeconds: median(full), incrementalSeconds: median(incremental), rowsChanged };
}

/** Spread over the whole table, as updates are: other rows in every round. */
async function changeRows(source, database, round) {
  return source.with(database, async (client) => {
    const every = 100 / CHANGED_PERCENT;
    const { rowCount } = await client.query(
      `UPDATE public.orders SET status = 'changed', updated_at = now() WHERE id % ${every} = ${round % every}`,
    );
    return rowCount;
  });
}

module.exports = { measureChanges };
