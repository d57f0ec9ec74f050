/** What is wrong with a configuration is said in one sentence for each mistake, and shows no secret. */
import { join } from 'node:path';
import { COMPLETE, directory, load, problems, writeConfiguration } from './settings-folder';

describe('what is wrong with the file', () => {
  it.each([
    ['invalid JSON', '{\n  "host": "db",\n  "port": oops\n}', /not valid JSON \(see line 3, column 11\)/],
    ['a missing end', '{"host": "db"', /not valid JSON \(see line 1, column 14\)/],
    ['comments', '{\n// no\n}', /not valid JSON \(see line 2, column 1\)/],
    ['nothing', '', /not valid JSON \(it is empty\)/],
    ['an array', '[]', /holds an array rather than an object/],
    ['a string', '"x"', /holds a string rather than an object/],
    ['null', 'null', /holds null rather than an object/],
    ['Latin-1', Buffer.from('{"host": "m\xfcnchen"}', 'latin1'), /is not UTF-8 text; save it as UTF-8/],
  ])('says so for %s', (_name, content, sentence) => {
    writeConfiguration(content);
    expect(problems()).toEqual([expect.stringMatching(sentence)]);
  });

  it('never quotes the text around a syntax error, which may be a password', () => {
    writeConfiguration('{"password": hunter2hunter2}');
    expect(problems().join('\n')).not.toContain('hunter2');
  });

  it('says so when a named file is missing', () => {
    expect(problems({ configurationPath: 'nope.json' })).toEqual([
      `The configuration file ${join(directory, 'nope.json')} does not exist; correct the path, or let \`pgsluice init --configuration ${join(directory, 'nope.json')}\` write it.`,
    ]);
  });

  it('says so when it is a directory', () => {
    expect(problems({ configurationPath: '.' })).toEqual([expect.stringContaining('is a directory')]);
  });

  it('names each value that is no string', () => {
    writeConfiguration({ ...COMPLETE, port: 5432, debug: true, region: null, extra: { a: 1 }, table_filters: [] });
    const sentences = problems();
    for (const [key, type] of [
      ['port', 'a number'],
      ['debug', 'a boolean'],
      ['region', 'null'],
      ['extra', 'an object'],
      ['table_filters', 'an array'],
    ]) {
      expect(sentences).toContainEqual(expect.stringMatching(new RegExp(`^${key} .* must be a string, not ${type};`)));
    }
    expect(sentences).toHaveLength(5);
  });

  it('allows 100 keys and no more', () => {
    const extra = (count: number): object =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`unrelated_key_${index}`, 'x']));
    writeConfiguration({ ...COMPLETE, ...extra(95) });
    expect(load().warnings).toHaveLength(95);
    writeConfiguration({ ...COMPLETE, ...extra(96) });
    expect(problems()).toEqual([expect.stringContaining('has 101 keys; 100 are allowed')]);
  });
});

describe('what is wrong with values', () => {
  it('names every missing key, and where to put it', () => {
    const path = writeConfiguration({});
    expect(problems()).toEqual([
      `host is missing; add it to ${path}, or set --host or PGSLUICE_HOST.`,
      `port is missing; add it to ${path}, or set --port or PGSLUICE_PORT.`,
      `database is missing; add it to ${path}, or set --database or PGSLUICE_DATABASE.`,
      `username is missing; add it to ${path}, or set --username or PGSLUICE_USERNAME.`,
      `password is missing; add it to ${path}, or set PGSLUICE_PASSWORD, password_file or password_command.`,
    ]);
  });

  it('says that the file does not exist when keys are missing for that reason', () => {
    expect(problems()[0]).toContain('configuration.json, which does not exist yet');
  });

  it.each(['YOUR_POSTGRES_HOST', '<YOUR_POSTGRES_HOST>', '<your host>', ' YOUR_HOST '])(
    'refuses the placeholder %s',
    (placeholder) => {
      writeConfiguration({ ...COMPLETE, host: placeholder });
      expect(problems()).toEqual([expect.stringMatching(/^host .* placeholder .*replace it with your own value\.$/)]);
    },
  );

  it.each([
    ['port', '0', 'a whole number from 1 to 65535, not "0"'],
    ['port', '65536', 'a whole number from 1 to 65535, not "65536"'],
    ['port', '54.32', 'a whole number from 1 to 65535, not "54.32"'],
    ['port', '5432x', 'a whole number from 1 to 65535, not "5432x"'],
    ['max_retries', '-1', 'a whole number from 0 to 1000, not "-1"'],
    ['max_retries', '0x10', 'a whole number from 0 to 1000, not "0x10"'],
    ['retry_sleep_seconds', 'NaN', 'a number from 0 to 86400, not "NaN"'],
    ['retry_sleep_seconds', 'Infinity', 'a number from 0 to 86400, not "Infinity"'],
    ['custom_threads', 'many', 'a whole number from 1 to 12, not "many"'],
    ['debug', 'maybe', 'true or false, not "maybe"'],
    ['sslmode', 'on', 'one of disable, allow, prefer, require, verify-ca, verify-full, not "on"'],
  ])('refuses %s %s', (key, value, sentence) => {
    const path = writeConfiguration({ ...COMPLETE, [key]: value });
    expect(problems()).toEqual([`${key} (${path}) must be ${sentence}.`]);
  });

  it('names the flag or the variable that a bad value came from', () => {
    writeConfiguration(COMPLETE);
    expect(problems({ flags: { port: 'x' }, env: { PGSLUICE_MAX_RETRIES: 'y' } })).toEqual([
      'port (--port) must be a whole number from 1 to 65535, not "x".',
      'max_retries (PGSLUICE_MAX_RETRIES) must be a whole number from 0 to 1000, not "y".',
    ]);
  });

  it('refuses a URL as a host without showing it', () => {
    writeConfiguration({ ...COMPLETE, host: 'postgresql://me:hunter2@db' });
    const [sentence, ...more] = problems();
    expect(sentence).toMatch(/^host .* must be a name or an address only/);
    expect(sentence).not.toContain('hunter2');
    expect(more).toEqual([]);
  });

  it('never shows a password, whatever is wrong with it', () => {
    for (const password of ['YOUR_hunter2', '<your hunter2>', 'hunter2\0']) {
      writeConfiguration({ ...COMPLETE, password });
      const [sentence] = problems();
      expect(sentence).toMatch(/^password /);
      expect(sentence).not.toContain('hunter2');
    }
  });

  it.each(['temp', 'System', 'pg_catalog', 'information_schema', '_pgsluice'])(
    'refuses the schema %s, in which no table can be made',
    (schema) => {
      writeConfiguration({ ...COMPLETE, destination_schema: schema });
      expect(problems().join()).toMatch(
        /^destination_schema \(.*\) cannot be ".*", which is .*; name another schema\.$/,
      );
    },
  );

  it.each([
    '{schema}',
    'orders',
    '{table} copy',
    '{table}"; DROP',
    '{tabel}{table}',
    '_PGSLUICE_{table}',
    '{schema}.{table}',
  ])('refuses names of tables by the template %s', (template) => {
    writeConfiguration({ ...COMPLETE, destination_table: template });
    expect(problems()).toEqual([
      expect.stringMatching(
        /^destination_table \(.*\) must be made of letters, digits, underscores, \{schema\} and \{table\}/,
      ),
    ]);
  });

  it('takes a template of table names', () => {
    writeConfiguration({ ...COMPLETE, destination_table: '{schema}__{table}_2' });
    expect(load().settings.destinationTable).toBe('{schema}__{table}_2');
  });

  it('refuses an exclusion of nothing', () => {
    writeConfiguration({ ...COMPLETE, table_filters: 'a, !' });
    expect(problems()).toEqual([expect.stringContaining('"!" that excludes nothing')]);
  });

  it('reports everything at once', () => {
    writeConfiguration({ host: 'YOUR_HOST', port: '0', database: 7, username: 'me', max_retries: 'x' });
    expect(problems().map((sentence) => sentence.split(' ')[0])).toEqual(['database', 'host', 'port', 'max_retries']);
  });
});
