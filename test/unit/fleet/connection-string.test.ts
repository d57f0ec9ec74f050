import fc from 'fast-check';
import { loginOf } from '../../../src/fleet/connection-string';

it('reads pairs as libpq does', () => {
  expect(loginOf("host=db  port = 5433 dbname=lake user='a b' password='it\\'s \\\\' sslmode=verify-full")).toEqual({
    ...{ host: 'db', port: 5433, database: 'lake', user: 'a b', password: "it's \\" },
    ssl: { rejectUnauthorized: true },
  });
  expect(loginOf('host=db sslmode=disable')).toEqual({ host: 'db', ssl: false });
});

it('leaves URLs to pg', () => {
  expect(loginOf(' postgresql://me@db/lake ')).toEqual({ connectionString: 'postgresql://me@db/lake' });
});

it('takes any password in quotes', () => {
  fc.assert(
    fc.property(fc.string(), (password) => {
      const quoted = password.replaceAll(/['\\]/g, String.raw`\$&`);
      expect(loginOf(`host=db password='${quoted}' dbname=lake`)).toMatchObject({
        host: 'db',
        password,
        database: 'lake',
      });
    }),
  );
});

it('refuses what is neither, and does not repeat it', () => {
  for (const text of ["host=db password='s3cret", 's3cret', 'host=db s3cret'])
    expect(() => loginOf(text)).toThrow(/^The connection string of the fleet's queue cannot be read\.$/);
});
