import { createRedactor, MASK } from '../../../src/common/redact';
import { finishes } from '../../helpers/finishes';
import fc from 'fast-check';

describe('redaction', () => {
  it.each([
    ['as it is', 'login with p;w}d%41 failed'],
    ['in braces, doubled', 'DRIVER={x};PWD={p;w}}d%41};'],
    ['in a URL', 'postgresql://me:p%3Bw%7Dd%2541@db/shop'],
    ['in lower-case URL encoding', 'p%3bw%7dd%2541'],
  ])('masks a password %s', (_name, text) => {
    const masked = createRedactor(['p;w}d%41'])(text);
    expect(masked).toContain(MASK);
    expect(masked).not.toMatch(/w\}|w%7d|41/i);
  });

  it('masks what stands where a password stands, known or not', () => {
    const redact = createRedactor([]);
    expect(redact('DSN=x;PWD={a;}}b};UID=u')).toBe('DSN=x;PWD=***;UID=u');
    expect(redact('Pwd=abc;Database=d')).toBe('Pwd=***;Database=d');
    expect(redact("host=h password='a\\'b c' user=u")).toBe('host=h password=*** user=u');
    expect(redact('host=h sslpassword=abc oauth_client_secret=def')).toBe(
      'host=h sslpassword=*** oauth_client_secret=***',
    );
    expect(redact('postgres://me:pa:ss@db:5432/shop')).toBe('postgres://me:***@db:5432/shop');
  });

  it('leaves a text without secrets alone', () => {
    const text = 'Processing table 1/3: public.orders (small, 5,000 rows)';
    expect(createRedactor(['s3cret!'])(text)).toBe(text);
  });

  it('masks a password of two characters only where a password stands', () => {
    const redact = createRedactor(['ab']);
    expect(redact('table; PWD={ab};')).toBe('table; PWD=***;');
    expect(redact('about the table')).toBe('about the table');
  });

  it.each(['database', 'auth', 'icated', 'postgres', 'Public', 'row'])(
    'leaves lines whole where the password is the ordinary word %s, and masks it where a password stands',
    (password) => {
      const redact = createRedactor([password]);
      for (const line of [
        'PostgreSQL 18, database postgres',
        'password authentication failed for user "auth"',
        'Processing table 1/3: Public.rows (small, 5,000 rows), replicated',
      ])
        expect(redact(line)).toBe(line);
      for (const [text, masked] of [
        [`PWD=${password};UID=u`, 'PWD=***;UID=u'],
        [`PWD={${password}};UID=u`, 'PWD=***;UID=u'],
        [`pqopt={password='${password}' user=u}`, 'pqopt={password=*** user=u}'],
        [`postgres://me:${password}@db/shop`, 'postgres://me:***@db/shop'],
        [`ALTER ROLE r PASSWORD '${password}' VALID`, 'ALTER ROLE r PASSWORD *** VALID'],
        [`{"password": "${password}", "a": 1}`, '{"password": ***, "a": 1}'],
      ] as const)
        expect(redact(text)).toBe(masked);
    },
  );

  it.each(['tiger', 'xkqzvmbt', 'database1', 'correcthorsebattery', 'dAtabase'])(
    'masks %s, which no line of ours is made of, everywhere',
    (password) => {
      expect(createRedactor([password])(`told: ${password}`)).toBe('told: ***');
    },
  );

  // With this many beginnings, an expression that tries each to the end of the text would need minutes to hours.
  const MANY = 300_000;
  it.each([
    ['braces that do not close', () => `PWD={${'}}'.repeat(MANY)}x`],
    ['keywords', () => 'password='.repeat(MANY)],
    ['spaces', () => `password${' '.repeat(MANY)}`.repeat(3)],
    ['quotes', () => "password '".repeat(MANY)],
    ['addresses', () => 'a://'.repeat(MANY)],
  ])('comes to the end of a text that looks like the beginning of many passwords: %s', (_what, text) => {
    expect(typeof finishes(() => createRedactor(['abc'])(text()))).toBe('string');
  });

  // A star in a secret could meet the stars of the mask. Words are another matter: see above.
  const secret = fc
    .string({ unit: 'binary', minLength: 3, maxLength: 20 })
    .filter((text) => !text.includes('*') && !/^[a-z]+$/i.test(text));

  it('never lets a secret through, in any of its spellings', () => {
    fc.assert(
      fc.property(secret, fc.array(fc.string({ unit: 'binary' })), (password, around) => {
        const spellings = [
          password,
          `{${password.replaceAll('}', '}}')}}`,
          encodeURIComponent(password),
          JSON.stringify(password),
          `'${password.replaceAll("'", "''")}'`,
          `'${password.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`,
        ];
        const redact = createRedactor([password]);
        for (const spelling of spellings) {
          const masked = redact([...around, spelling, ...around].join(' '));
          expect(masked).toContain(MASK);
          for (const form of [password, encodeURIComponent(password), JSON.stringify(password).slice(1, -1)]) {
            expect(masked).not.toContain(form);
          }
        }
      }),
    );
  });

  it('masks every one of several secrets, also where one is part of another', () => {
    fc.assert(
      fc.property(fc.array(secret, { minLength: 1, maxLength: 4 }), fc.string(), (secrets, glue) => {
        const masked = createRedactor(secrets)(secrets.join(glue));
        for (const each of secrets) expect(masked).not.toContain(each);
      }),
    );
  });
});
