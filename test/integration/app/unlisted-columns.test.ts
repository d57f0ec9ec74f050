/** Columns that no rule of `columns` names, and those that the role may not read. */
import { parseColumnRules } from '../../../src/config/column-rules';
import { allOlderEnded } from '../../helpers/older-transactions';
import { rangesMissing } from '../../helpers/postgres';
import { describeWhere } from '../../helpers/server-process';
import { found, sync } from '../sync';
import { columnsOf, database, rowsOf, under, verified } from './ruled-database';

describe('columns that are not listed, or not allowed', () => {
  let role: { readonly username: string; readonly password: string };
  beforeEach(async () => {
    role = { username: `role_${database.name}`, password: 'secret' };
    await database.client.query(`
      CREATE ROLE ${role.username} LOGIN PASSWORD 'secret';
      CREATE TABLE people (id int PRIMARY KEY, name text, salary numeric); INSERT INTO people SELECT i, 'n' || i, i FROM generate_series(1, 3000) i;
      GRANT SELECT (id, name) ON people TO ${role.username}`);
  });
  afterEach(() => database.client.query(`DROP OWNED BY ${role.username}; DROP ROLE ${role.username}`));

  it('fail the check and are left out by a sync, or fail a table whose key is one', async () => {
    const settings = under({ 'people.id': 'keep', 'people.name': 'hash' }, { columnsUnlisted: 'fail' });
    expect(await found(database, settings, 'table public.people')).toMatchObject([
      { status: 'failure', message: 'No rule of "columns" names salary; a sync leaves them out.' },
      { status: 'warning' },
    ]);
    const { lines, failures } = await sync(database, settings);
    expect(failures).toEqual({});
    expect(lines.join('\n')).toContain(
      'WARNING public.people is read without columns that no rule of "columns" names: salary; give each a rule.',
    );
    expect(await columnsOf('people')).toEqual(['id', 'name']);
    expect(await verified(settings)).toEqual({ 'public.people': 'equal' });
    const { failures: keyless } = await sync(database, {
      ...settings,
      columns: parseColumnRules('{"name": "keep"}', '/'),
    });
    expect(keyless['public.people']).toMatch(
      /^Key column "id" of public\.people is named by no rule of "columns"\. Give it the rule/,
    );
    expect((await found(database, settings, 'columns'))[0]?.message).toContain('1 hash, 1 left out, unlisted');
  });

  it('are left out where the role may not read them, by one setting or by a rule, and are told where neither says so', async () => {
    const { failures } = await sync(database, under({}, role));
    expect(failures['public.people']).toMatch(
      /may read only some columns of public\.people: id, name\. Set "columns_denied" to "skip"/,
    );
    for (const settings of [under({}, { ...role, columnsDenied: 'skip' }), under({ salary: 'exclude' }, role)]) {
      const { failures: none } = await sync(database, { ...settings, fullResync: ['*'] });
      expect(none).toEqual({});
      expect(await columnsOf('people')).toEqual(['id', 'name']);
      await database.client.query(
        `UPDATE people SET name = 'x' WHERE id = 5; DELETE FROM people WHERE id = (SELECT max(id) FROM people)`,
      );
      expect((await sync(database, settings)).failures).toEqual({});
      expect(await verified(settings)).toEqual({ 'public.people': 'equal' });
    }
    const nulled = under({ salary: 'null' }, role);
    expect((await sync(database, nulled)).failures).toEqual({});
    expect(await rowsOf('people', '(count(*) FILTER (WHERE NOT _fivetran_deleted))::int, count(salary)::int')).toEqual([
      [2998, 0],
    ]);
    expect(
      (await sync(database, under({ id: 'null' }, { ...role, columnsDenied: 'skip' }))).failures['public.people'],
    ).toMatch(/^Key column "id"/);
    await database.client.query(`REVOKE SELECT (id) ON people FROM ${role.username}`);
    expect((await sync(database, under({}, { ...role, columnsDenied: 'skip' }))).failures['public.people']).toMatch(
      /^The role may not read key column "id"/,
    );
  });

  describeWhere(rangesMissing(), 'by ranges', () => {
    it('do not keep changes from being found where the role may read ctid and xmin as well', async () => {
      await database.client.query(`GRANT SELECT (ctid, xmin) ON people TO ${role.username}`);
      const settings = under({}, { ...role, columnsDenied: 'skip' });
      await allOlderEnded(database.client);
      await sync(database, settings);
      await allOlderEnded(database.client);
      await database.client.query(`UPDATE people SET name = 'x' WHERE id = 5; DELETE FROM people WHERE id = 6`);
      const { lines } = await sync(database, settings);
      expect(lines.join('\n')).toContain('public.people: 1 record, 1 marked deleted (2999 rows)');
      expect(await verified(settings)).toEqual({ 'public.people': 'equal' });
    });
  });
});
