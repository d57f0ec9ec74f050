import { createDatabase, dropDatabase, testServer, withClient } from '../../helpers/postgres';
import { sync } from '../sync';

describe('logins that are hard to write down', () => {
  const HARD = [
    `;}{ %41+'"\\&=?#@:/$x`,
    '{}',
    '{a}',
    'a;PWD=b',
    `'"\\`,
    "\\'",
    ' spaces at both ends ',
    '%41%7D+',
    'größe-名前-😀',
    'x'.repeat(63),
  ];

  test.each(HARD)('user, password and database called <%s>', async (name) => {
    // The server folds names longer than 63 bytes; the user and the database must differ from other runs' ones.
    const unique = name.length === 63 ? name : `${name}${process.pid}`;
    const database = await createDatabase({ name: unique });
    const user = database.client.escapeIdentifier(unique);
    try {
      await database.client.query(
        `CREATE ROLE ${user} LOGIN PASSWORD ${database.client.escapeLiteral(name)};
         CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); GRANT SELECT ON t TO ${user}`,
      );
      const { failures, lines } = await sync(database, { username: unique, password: name });
      expect(failures).toEqual({});
      expect(lines).toContain('INFO Successfully processed table public.t: 1 record');
    } finally {
      await database.client.query(`DROP OWNED BY ${user}; DROP ROLE ${user}`).catch(() => undefined);
      await database.drop();
    }
  });

  test('names of the same beginning do not meet', async () => {
    // `;` ends a keyword's value in a connection string: "a;b" must not become "a".
    const name = `meet${process.pid}`;
    const database = await createDatabase({ name: `${name};b` });
    try {
      await withClient(testServer(), 'postgres', (admin) => admin.query(`CREATE DATABASE ${name} TEMPLATE template0`));
      await database.client.query('CREATE TABLE t (id int PRIMARY KEY)');
      expect((await sync(database)).report.tables.map(({ key }) => key)).toEqual(['public.t']);
    } finally {
      await database.drop();
      await dropDatabase(name);
    }
  });
});
