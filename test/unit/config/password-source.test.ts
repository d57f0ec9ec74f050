import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandWords } from '../../../src/config/command-words';
import { loadSettings, type LoadedSettings, type LoadSettingsInput } from '../../../src/config/load-settings';
import { findInPassfile, passfileProblem } from '../../../src/config/passfile';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'pgsluice-password-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

describe('a command', () => {
  it.each([
    ['pass show db/shop', ['pass', 'show', 'db/shop']],
    [`vault 'kv get' "a b"c`, ['vault', 'kv get', 'a bc']],
    [`mail -s '$HOME | *' root`, ['mail', '-s', '$HOME | *', 'root']],
    ['["sh", "-c", "cat x | head -1"]', ['sh', '-c', 'cat x | head -1']],
    [`say ''`, ['say', '']],
  ])('is split into words as it is written: %s', (text, words) => expect(commandWords(text)).toEqual({ words }));

  it.each([
    ['cat secret | head -1', 'must hold no | outside of quotation marks: no shell is started'],
    ['echo $PASSWORD', 'must hold no $ outside'],
    ['~/bin/secret', 'must not begin a word with ~'],
    [`say 'what`, `must close the quotation that begins with '`],
    ['[1]', 'must be a command, or a JSON array of its words'],
    ['[]', 'must name a program'],
  ])('is refused where only a shell would understand it: %s', (text, problem) =>
    expect(commandWords(text)).toEqual({ problem: expect.stringContaining(problem) as string }),
  );
});

describe('the password file of PostgreSQL', () => {
  const LOGIN = { host: 'db', port: '5432', database: 'shop', user: 'me' };
  const find = (content: string, login = LOGIN): string | undefined =>
    findInPassfile(write('.pgpass', content), login)?.password;

  it('counts by its first line that matches', () => {
    expect(find('db:5432:other:me:no\ndb:5432:shop:me:first\ndb:5432:shop:me:second')).toBe('first');
    expect(find('#db:5432:shop:me:comment\r\n\r\n*:*:*:*:any\r\n')).toBe('any');
    expect(find('db:5432:shop:you:no\n')).toBeUndefined();
  });

  it('takes the meaning from colons, backslashes and stars by a backslash', () => {
    const login = { ...LOGIN, host: '::1', database: 'a\\b' };
    expect(find('\\:\\:1:*:a\\\\b:me:x\\:y\\\\z', login)).toBe('x:y\\z');
    expect(find('\\*:*:*:*:no')).toBeUndefined();
    expect(find('*:*:*:*:ends here:not this')).toBe('ends here');
  });

  it('means the default socket by localhost', () => {
    expect(find('localhost:*:*:*:socket', { ...LOGIN, host: '/var/run/postgresql' })).toBe('socket');
    expect(find('localhost:*:*:*:socket', { ...LOGIN, host: '/srv/socket' })).toBeUndefined();
  });

  it('has no password in a line that is too short', () => {
    expect(find('db:5432:shop:me\ndb:5432:shop:me:\n')).toBeUndefined();
  });

  it('must be a plain file that nobody else may read', () => {
    expect(passfileProblem(write('.pgpass', '', 0o640))).toMatch(/others may read it; run: chmod 600/);
    expect(passfileProblem(folder)).toMatch(/no plain file/);
    expect(passfileProblem(write('.pgpass', '', 0o400))).toBeUndefined();
    expect(passfileProblem(join(folder, 'missing'))).toBeUndefined();
  });
});

describe('the password of a sync', () => {
  const REST = { host: 'db', port: '5432', database: 'shop', username: 'me' };

  function load(values: Readonly<Record<string, string>>, more: Partial<LoadSettingsInput> = {}): LoadedSettings {
    write('configuration.json', JSON.stringify({ ...REST, ...values }));
    return loadSettings({
      flags: {},
      cwd: folder,
      ...more,
      env: { HOME: folder, PATH: process.env['PATH'], ...more.env },
    });
  }
  const problemOf = (values: Readonly<Record<string, string>>, more?: Partial<LoadSettingsInput>): string => {
    try {
      load(values, more);
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };

  it('comes from a file, without the end of its line', () => {
    write('secret', 'of the file\n');
    const loaded = load({ password_file: 'secret' });
    expect(loaded).toMatchObject({
      settings: { password: 'of the file' },
      secrets: ['of the file'],
      passwordFrom: `the file ${join(folder, 'secret')} (password_file)`,
    });
  });

  it('comes from a command, which gets its words as they are', () => {
    const command = JSON.stringify([process.execPath, '-e', 'console.log(process.argv[1])', '$HOME | x']);
    expect(load({ password_command: command })).toMatchObject({
      settings: { password: '$HOME | x' },
      secrets: ['$HOME | x'],
      passwordFrom: 'the command "node" (password_command)',
    });
  });

  it('comes from the password file of PostgreSQL where nothing else is named', () => {
    write('.pgpass', '*:*:*:*:of home');
    expect(load({}).passwordFrom).toBe(`line 1 of ${join(folder, '.pgpass')}`);
    const other = write('other', 'db:5432:shop:me:of PGPASSFILE');
    expect(load({}, { env: { PGPASSFILE: other } }).settings.password).toBe('of PGPASSFILE');
    expect(load({ password: 'named' }).settings.password).toBe('named');
    expect(load({ password: '' })).toMatchObject({ settings: { password: 'of home' } });
    chmodSync(join(folder, '.pgpass'), 0o644);
    expect(problemOf({})).toMatch(/is ignored, since others may read it.*\npassword is missing/s);
    expect(load({ password: '' }).settings.password).toBe('');
  });

  it('goes by flag, environment and file; in one place, by password, file and command', () => {
    write('a', 'A');
    write('b', 'B');
    const command = JSON.stringify([process.execPath, '-p', '"C"']);
    const everything = { password: 'P', password_file: 'a', password_command: command };
    expect(load(everything)).toMatchObject({ settings: { password: 'P' } });
    expect(load(everything).warnings).toEqual([
      expect.stringMatching(/taken from .*configuration.json; password_file \(.*\) is not used\.$/),
      expect.stringMatching(/password_command \(.*\) is not used\.$/),
    ]);
    expect(load({ ...everything, password: '' }).settings.password).toBe('A');
    expect(load(everything, { env: { PGSLUICE_PASSWORD_COMMAND: command } }).settings.password).toBe('C');
    expect(load(everything, { env: { PGPASSWORD: 'E' }, flags: { password_file: 'b' } }).settings.password).toBe('B');
  });

  it('is looked for by commands that connect only', () => {
    const command = JSON.stringify([process.execPath, '-e', 'process.exit(3)']);
    expect(load({ password_command: command }, { groups: ['Destination'] }).passwordFrom).toBeUndefined();
  });

  it('is not looked for on this machine by a request, unless the service says so', () => {
    const passfile = write('.pgpass', '*:*:*:*:of the service');
    const file = {
      path: 'the connection',
      exists: true,
      values: new Map(Object.entries({ ...REST, password: '' })),
      problems: [],
    };
    expect(load({}, { file }).settings.password).toBe('');
    expect(load({}, { file, passfile }).settings.password).toBe('of the service');
  });

  it.each([
    ['password_file', 'missing', /names .*missing, which cannot be read \(ENOENT\)/],
    ['password_command', 'no-such-program-here', /names the program "no-such-program-here", which is not found/],
    ['password_command', 'cat a | b', /must hold no \| outside/],
    ['password_command', '["node", "-e", "0"]', /started "node", whose output is empty/],
    ['password_command', '["node", "-e", "console.log(1);console.log(2)"]', /has several lines/],
  ])('is a problem of the configuration where it cannot be had: %s %s', (key, value, sentence) =>
    expect(problemOf({ [key]: value })).toMatch(sentence),
  );

  it('shows what a failing command said, without what it printed', () => {
    const script = 'console.log("hunter2"); console.error("no token; had hunter2"); process.exit(7)';
    const problem = problemOf({ password_command: JSON.stringify([process.execPath, '-e', script]) });
    expect(problem).toMatch(/started "node", which failed with exit code 7\. It said: no token; had \*\*\*$/);
  });
});
