/** What `check` says of a pooler, by what one would answer: stand-ins for those that are not installed here. */
import { Session } from '../../../src/postgres/connection/session';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { found, sync } from '../sync';

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its session below
const { query } = Session.prototype;

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  await database.client.query('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)');
});
afterAll(() => database.drop());

/** Answers the question for the backend as `pidOf` says, for the number of the session and of its question. */
function answering(pidOf: (session: number, asked: number) => number, settings?: string): () => void {
  const sessions: Session[] = [];
  let asked = 0;
  const spy = jest.spyOn(Session.prototype, 'query').mockImplementation(async function (this: Session, sql, options) {
    const rows = await query.call(this, sql, options);
    if (options.doing !== 'looking for a pooler') return rows;
    if (!sessions.includes(this)) sessions.push(this);
    const pid = pidOf(sessions.indexOf(this), asked++);
    return rows.map((row) => ({ ...row, pid, ...(settings === undefined ? {} : { s: settings }) }));
  });
  return () => spy.mockRestore();
}

async function findings(pidOf: (session: number, asked: number) => number, settings?: string): Promise<string[]> {
  const restore = answering(pidOf, settings);
  try {
    return (await found(database, {}, 'pooler')).map(({ status, message }) => `${status}: ${message}`);
  } finally {
    restore();
  }
}

const TRANSACTION_MODE = /^failure: A pooler in transaction mode/;

it('nothing of a server that is reached directly', async () => {
  expect(await found(database, {}, 'pooler')).toEqual([]);
});

it('a pooler that balances load, with settings kept on each server, is a warning: a sync works through it', async () => {
  const pid = (session: number, asked: number): number => 1_000_000 * (session + 1) + (asked % 2);
  expect(await findings(pid)).toEqual([expect.stringMatching(/^warning: A pooler that balances load/)]);
  const restore = answering(pid);
  try {
    expect((await sync(database)).failures).toEqual({});
  } finally {
    restore();
  }
});

it('a pooler that shares a backend among sessions is one in transaction mode', async () => {
  expect(await findings(() => 1_000_000)).toEqual([expect.stringMatching(TRANSACTION_MODE)]);
});

it('so is one whose backends do not have the settings of the session', async () => {
  const pid = (session: number, asked: number): number => 1_000_000 * (session + 1) + asked;
  expect(await findings(pid, 'SQL_ASCII/Asia/Tokyo')).toEqual([expect.stringMatching(TRANSACTION_MODE)]);
});
