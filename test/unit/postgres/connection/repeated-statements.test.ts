import { RepeatedStatements, type RepeatedStatement } from '../../../../src/postgres/connection/repeated-statements';

function reading(what: string, value = 1): RepeatedStatement {
  return {
    label: what,
    direct: () => `SELECT '${what}' FROM t WHERE id > ${value}`,
    text: `SELECT '${what}' FROM t WHERE id > $1 `,
    parameterTypes: ['int4'],
    values: [String(value)],
  };
}

/** What the server would be sent in one round trip, taken apart. */
function sent(statements: RepeatedStatements, statement: RepeatedStatement, fails = false): string[] {
  const { sql, succeeded } = statements.next(statement);
  if (!fails) succeeded();
  return sql.split('; ');
}

const PREPARE = /^PREPARE ("a [0-9a-f]{10} 1")\(int4\) AS SELECT 'a' FROM t WHERE id > \$1 $/;

test('what comes once is sent as it is; what comes again is prepared behind its second run and then executed', () => {
  const statements = new RepeatedStatements();
  expect(sent(statements, reading('a', 1))).toEqual([reading('a', 1).direct()]);
  const [second, prepare = ''] = sent(statements, reading('a', 2));
  expect(second).toBe(reading('a', 2).direct());
  const name = PREPARE.exec(prepare)?.[1];
  expect(sent(statements, reading('a', 3))).toEqual([`EXECUTE ${name}(3)`]);
});

test('what is known to come again is prepared behind its first run', () => {
  const statements = new RepeatedStatements();
  const [first, prepare = ''] = sent(statements, { ...reading('a', 1), comesAgain: true });
  expect(first).toBe(reading('a', 1).direct());
  expect(sent(statements, reading('a', 2))).toEqual([`EXECUTE ${PREPARE.exec(prepare)?.[1]}(2)`]);
});

test('what failed is prepared by the next run', () => {
  const statements = new RepeatedStatements();
  sent(statements, reading('a'));
  const failed = sent(statements, reading('a'), true);
  expect(failed[1]).toMatch(PREPARE);
  expect(sent(statements, reading('a'))).toEqual(failed);
});

test('the server keeps a few at once: the one not used for longest goes first', () => {
  const statements = new RepeatedStatements();
  for (const what of ['a', 'b', 'c', 'd']) {
    sent(statements, reading(what));
    sent(statements, reading(what));
  }
  sent(statements, reading('a'));
  expect(sent(statements, reading('e'))).toEqual([
    reading('e').direct(),
    expect.stringMatching(/^DEALLOCATE "b [0-9a-f]{10} 2"$/),
  ]);
  expect(sent(statements, reading('a'))).toEqual([expect.stringMatching(/^EXECUTE "a /)]);
  expect(sent(statements, reading('b'))).toEqual([reading('b').direct(), expect.stringMatching(/^DEALLOCATE "c /)]);
});

test('names are of ASCII, short enough for PostgreSQL, and of one connection alone', () => {
  const label = 'schéma.таблица "x" with a very long name, longer than sixty-three bytes';
  const names = [new RepeatedStatements(), new RepeatedStatements()].map((statements) => {
    sent(statements, reading(label));
    return /^PREPARE ("(?:[^"]|"")*")\(/.exec(sent(statements, reading(label))[1] ?? '')?.[1] ?? '';
  });
  expect(names[0]).toMatch(/^"[ -~]*"$/);
  expect(names[0]?.length).toBeLessThanOrEqual(63);
  expect(names[0]).not.toBe(names[1]);
});
