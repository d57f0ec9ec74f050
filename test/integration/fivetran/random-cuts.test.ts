/**
 * Updates of random tables, selections and modes, cut at random messages, by the client or by killing the service, while
 * the tables change. Each goes on from the last checkpoint that was received; what came after it was applied or not. In
 * the end the stream that was applied must equal the source.
 *
 * PGSLUICE_CUT_ROUNDS says how many (`npm run test:cuts`: 200), PGSLUICE_CUT_SEED from which on.
 */
import { startCli, type RunningCli } from '../../helpers/cli';
import { dropSlot, startLogServer } from '../../helpers/log-server';
import { createDatabase, rangesMissing, type PostgresServer, type TestDatabase } from '../../helpers/postgres';
import { createRandom, type Random } from '../../helpers/random';
import { Applier } from '../../helpers/fivetran/applier/applier';
import {
  beginLate,
  changeSomething,
  createTable,
  WATCH_SQL,
  type RoundTable,
} from '../../helpers/fivetran/applier/random-changes';
import { differences, update, type Cut } from '../../helpers/fivetran/applier/session';
import { WireClient, type WireMessage } from '../../helpers/fivetran/applier/wire';
import { configurationFor } from '../../helpers/fivetran/service';

const ROUNDS = Number(process.env['PGSLUICE_CUT_ROUNDS'] ?? 6);
const SEED = Number(process.env['PGSLUICE_CUT_SEED'] ?? Date.now() % 1_000_000);
const SLOT = 'cuts';
/** Without ranges the update column is believed, and no change touches it here. */
const BY_TIME = rangesMissing() === undefined ? ['timestamp'] : [];

let server: PostgresServer;
let database: TestDatabase;
let service: RunningCli;
let client: WireClient;

async function startService(): Promise<void> {
  service = startCli(['serve', '--port', '0'], { cwd: database.folder });
  await service.waitFor(/Listening on 127\.0\.0\.1:\d+/);
  client = new WireClient(`localhost:${/127\.0\.0\.1:(\d+)/.exec(service.output())?.[1]}`);
}

async function stopService(signal: NodeJS.Signals): Promise<void> {
  client.close();
  service.kill(signal);
  await service.ended;
}

beforeAll(async () => {
  // A slot is moved on up to what is flushed.
  server = await startLogServer({ flags: { synchronous_commit: 'on' } });
  database = await createDatabase({ server });
  await database.client.query(`SET TimeZone = 'UTC'; ${WATCH_SQL}; CREATE PUBLICATION pgsluice FOR ALL TABLES`);
  await database.client.query(`SELECT pg_create_logical_replication_slot('${SLOT}', 'pgoutput')`);
  await startService();
});
afterAll(async () => {
  if (service !== undefined) await stopService('SIGTERM');
  if (database !== undefined) await dropSlot(database);
  await database?.drop();
  await server?.close();
});

const rounds = Array.from({ length: ROUNDS }, (_, round) => SEED + round);
it.each(rounds)('ends equal (PGSLUICE_CUT_SEED=%d)', (seed) => playRound(seed, createRandom(seed)));

async function playRound(seed: number, random: Random): Promise<void> {
  const schema = `round_${seed}`;
  await database.client.query(`CREATE SCHEMA ${schema}`);
  const tables: RoundTable[] = [];
  const add = async (): Promise<void> => {
    tables.push(await createTable(database.client, schema, `t${tables.length}`, random));
  };
  for (let count = random.integer(1, 3); count > 0; count -= 1) await add();
  // Where everything is read whole, or followed in the log, everything must be equal; elsewhere what was deleted may stay.
  const mode = random.pick(['full', 'full', 'xmin', 'auto', 'log', ...BY_TIME]);
  const configuration = configurationFor(database, {
    table_filters: `${schema}.*`,
    custom_batch_size: String(random.pick([50, 200, 1_000])),
    max_retries: '3',
    ...(mode === 'log' ? { slot_name: SLOT } : {}),
  });
  const applier = new Applier();
  const story: string[] = [`mode ${mode}, batches of ${configuration['custom_batch_size']}`];
  for (let updates = random.integer(2, 6); updates > 0; updates -= 1) {
    const settings = {
      ...configuration,
      sync_mode: random.next() < 0.6 ? mode : random.pick(['full', 'xmin', 'auto', ...BY_TIME]),
      ...(random.next() < 0.05 ? { with_schema: 'true' } : {}),
    };
    const [name, cut] = randomCut(random);
    const applyRest = random.next() < 0.5;
    const kill = random.next() < 0.15;
    const changes = random.next() < 0.3 ? random.integer(1, 2) : 0;
    let underWay: Promise<void> | undefined;
    const late = random.next() < 0.25 ? await beginLate(database, schema, tables, random) : undefined;
    const selection = random.next() < 0.4 ? randomSelection(tables, schema, settings, random) : undefined;
    const end = await update(client, applier, {
      configuration: settings,
      applyRest,
      ...(selection === undefined ? {} : { selection }),
      cut: (message, received) => {
        if (changes > 0) underWay ??= changeOften(schema, tables, random, changes);
        return cut(message, received);
      },
      ...(kill ? { cutBy: () => service.kill('SIGKILL') } : {}),
    });
    // A service that was killed is there again for the next Update, whatever else went wrong.
    if (kill && end.outcome === 'cut') {
      await stopService('SIGKILL');
      await startService();
    }
    await underWay;
    await late?.end();
    story.push(
      `${settings.sync_mode}, ${name}${kill ? ', killed' : ''}${selection === undefined ? '' : `, ${JSON.stringify(selection)}`}, rest ${applyRest ? '' : 'not '}applied, changes under way ${changes}${late === undefined ? '' : ', one late'}: ${end.outcome} after ${end.messages} ${end.details}`,
    );
    if (random.next() < 0.1) await add();
    await changeOften(schema, tables, random, random.integer(0, 3));
  }
  const last = { ...configuration, sync_mode: mode };
  const end = await update(client, applier, { configuration: last });
  const found = end.outcome === 'ok' ? await compare(schema, tables, applier, mode) : [end.details];
  expect({ found: found.slice(0, 10), breaches: applier.breaches, story }).toEqual({ found: [], breaches: [], story });
  await database.client.query(`DROP SCHEMA ${schema} CASCADE; TRUNCATE watched.gone`);
}

async function changeOften(
  schema: string,
  tables: readonly RoundTable[],
  random: Random,
  times: number,
): Promise<void> {
  for (let left = times; left > 0; left -= 1) await changeSomething(database.client, schema, tables, random);
}

/** The first messages behind what changes the meaning of all that follow are the likeliest. */
function randomCut(random: Random): readonly [name: string, cut: Cut] {
  const behind = random.pick([0, 0, 1, 2, 5]);
  const which = random.integer(1, 3);
  const nth = (name: string, is: (message: WireMessage) => boolean): readonly [string, Cut] => {
    let seen = 0;
    let since = -1;
    const cut: Cut = (message) => {
      if (since >= 0) since += 1;
      else if (is(message) && (seen += 1) === which) since = 0;
      return since >= behind;
    };
    return [`${behind} behind ${name} ${which}`, cut];
  };
  switch (random.integer(0, 4)) {
    case 0:
      return nth('TRUNCATE', ({ records }) => records?.records?.some(({ type }) => type === 'TRUNCATE') === true);
    case 1:
      return nth('SchemaChange', ({ schema_change: change }) => change !== undefined);
    case 2:
      return nth('Checkpoint', ({ checkpoint }) => checkpoint !== undefined);
    case 3:
      return nth('DELETE', ({ records }) => records?.records?.some(({ type }) => type === 'DELETE') === true);
    default: {
      const most = random.integer(1, 60);
      return [`message ${most}`, (_message, received) => received >= most];
    }
  }
}

function randomSelection(
  tables: readonly RoundTable[],
  schema: string,
  settings: Readonly<Record<string, string>>,
  random: Random,
): object {
  const chosen = tables.map(({ name }) => ({
    included: random.next() < 0.8,
    table_name: settings['with_schema'] === 'true' ? name : `source_${schema}_${name}`,
    columns: Object.fromEntries(
      ['v', 'n', 'd', 'f'].filter(() => random.next() < 0.3).map((column) => [column, random.next() < 0.5]),
    ),
    include_new_columns: true,
  }));
  return settings['with_schema'] === 'true'
    ? {
        with_schema: {
          schemas: [{ included: true, schema_name: schema, tables: chosen, include_new_tables: true }],
          include_new_schemas: true,
        },
      }
    : { without_schema: { tables: chosen, include_new_tables: true } };
}

async function compare(
  schema: string,
  tables: readonly RoundTable[],
  applier: Applier,
  mode: string,
): Promise<string[]> {
  const found: string[] = [];
  for (const { name, keyed } of tables) {
    const sql = `${schema}.${name}`;
    const columns = await names(
      `SELECT attname FROM pg_attribute WHERE attrelid = '${sql}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    );
    const key = await names(
      `SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey) WHERE indisprimary AND indrelid = '${sql}'::regclass ORDER BY array_position(indkey::int2[], attnum)`,
    );
    const gone =
      mode === 'full' || mode === 'log' || !keyed || rangesMissing() !== undefined
        ? []
        : await names(`SELECT key AS attname FROM watched.gone WHERE relation = '${sql}'`);
    const mayStay = new Set(
      gone.map((text) => `source_${schema}_${name} has (${text.split('\u0001').join(', ')}), which the source has not`),
    );
    const all = await differences(database.client, applier, { id: `source_${schema}_${name}`, sql, key, columns });
    found.push(...all.filter((difference) => !mayStay.has(difference)));
  }
  return found;
}

async function names(sql: string): Promise<string[]> {
  return (await database.client.query<{ attname: string }>(sql)).rows.map(({ attname }) => attname);
}
