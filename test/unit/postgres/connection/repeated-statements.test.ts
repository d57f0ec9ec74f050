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

/** What the server would be sent. */
function sent(statements: RepeatedStatements, statement: RepeatedStatement, fails = false): string[] {
  const next = statements.next(statement);
  if (fails) return [...next.before];
  next.prepared();
  return [...next.before, next.sql];
}

test('what comes once is sent as it is; what comes again is prepared once and then executed', () => {
  const statements = new RepeatedStatements();
  expect(sent(statements, reading('a', 1))).toEqual([reading('a', 1).direct()]);
  const [prepare = '', second = ''] = sent(statements, reading('a', 2));
  const name = /^PREPARE ("a [0-9a-f]{10} 1")\(int4\) AS SELECT 'a' FROM t WHERE id > \$1 $/.exec(prepare)?.[1];
  expect(second).toBe(`EXECUTE ${name}(2)`);
  expect(sent(statements, reading('a', 3))).toEqual([`EXECUTE ${name}(3)`]);
});

test('what is known to come again is prepared at once', () => {
  const statements = new RepeatedStatements();
  const [prepare = '', first = ''] = sent(statements, { ...reading('a', 1), comesAgain: true });
  const name = /^PREPARE ("a [0-9a-f]{10} 1")\(int4\) AS SELECT 'a' FROM t WHERE id > \$1 $/.exec(prepare)?.[1];
  expect(first).toBe(`EXECUTE ${name}(1)`);
  expect(sent(statements, reading('a', 2))).toEqual([`EXECUTE ${name}(2)`]);
});

test('a PREPARE that failed is made again', () => {
  const statements = new RepeatedStatements();
  sent(statements, reading('a'));
  const first = sent(statements, reading('a'), true);
  expect(first).toEqual([expect.stringMatching(/^PREPARE /)]);
  expect(sent(statements, reading('a'))[0]).toBe(first[0]);
});

test('the server keeps a few at once: the one not used for longest goes first', () => {
  const statements = new RepeatedStatements();
  for (const what of ['a', 'b', 'c', 'd']) {
    sent(statements, reading(what));
    sent(statements, reading(what));
  }
  sent(statements, reading('a'));
  expect(sent(statements, reading('e'))).toEqual([
    expect.stringMatching(/^DEALLOCATE "b [0-9a-f]{10} 2"$/),
    reading('e').direct(),
  ]);
  expect(sent(statements, reading('a'))).toEqual([expect.stringMatching(/^EXECUTE "a /)]);
  expect(sent(statements, reading('b'))).toEqual([expect.stringMatching(/^DEALLOCATE "c /), reading('b').direct()]);
});

test('names are of ASCII, short enough for PostgreSQL, and of one connection alone', () => {
  const label = 'schéma.таблица "x" with a very long name, longer than sixty-three bytes';
  const names = [new RepeatedStatements(), new RepeatedStatements()].map((statements) => {
    sent(statements, reading(label));
    return /^PREPARE ("(?:[^"]|"")*")\(/.exec(sent(statements, reading(label))[0] ?? '')?.[1] ?? '';
  });
  expect(names[0]).toMatch(/^"[ -~]*"$/);
  expect(names[0]?.length).toBeLessThanOrEqual(63);
  expect(names[0]).not.toBe(names[1]);
});
