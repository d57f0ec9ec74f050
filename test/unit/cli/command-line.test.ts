import { COMMANDS } from '../../../src/cli/command-declarations';
import { parseCommandLine } from '../../../src/cli/command-line';
import { ConnectorError } from '../../../src/common/errors';

const parse = (...argv: string[]): ReturnType<typeof parseCommandLine> => parseCommandLine(argv, '1.2.3');

function refusal(...argv: string[]): string {
  try {
    parse(...argv);
  } catch (error) {
    expect(error).toBeInstanceOf(ConnectorError);
    expect((error as ConnectorError).kind).toBe('configuration');
    return (error as ConnectorError).message;
  }
  throw new Error('The command line was accepted.');
}

describe('the command line', () => {
  it('hands flags over as text, by their key', () => {
    expect(
      parse('sync', '--configuration', 'c.json', '--port', '05', '--warehouse=w.db', '--custom-threads', '0x10'),
    ).toEqual({
      kind: 'command',
      name: 'sync',
      configurationPath: 'c.json',
      flags: { port: '05', warehouse_path: 'w.db', custom_threads: '0x10' },
      switches: {},
    });
  });

  it('knows debug as sync', () => {
    expect(parse('debug', '--configuration', 'c.json')).toMatchObject({ name: 'sync', configurationPath: 'c.json' });
  });

  it('leaves out what was not given, so that other sources and defaults count', () => {
    expect(parse('plan')).toMatchObject({ name: 'plan', configurationPath: undefined, flags: {} });
  });

  it('takes switches with and without a negation', () => {
    expect(parse('sync', '--debug')).toMatchObject({ flags: { debug: 'true' } });
    expect(parse('sync', '--no-debug')).toMatchObject({ flags: { debug: 'false' } });
  });

  it('joins repeated filters, and takes the last of anything else', () => {
    expect(parse('sync', '--table-filters', 'a,b', '--table-filters=!c', '--port=1', '--port=2')).toMatchObject({
      flags: { table_filters: 'a,b,!c', port: '2' },
    });
  });

  it('takes --yes and --force for reset', () => {
    expect(parse('reset')).toMatchObject({ name: 'reset', switches: {} });
    expect(parse('reset', '--yes')).toMatchObject({ switches: { yes: 'true' } });
    expect(parse('reset', '--force')).toMatchObject({ switches: { yes: 'true' } });
  });

  it("hands a command's own switches over by their name, and its word", () => {
    expect(parse('plan', '--explain', 'public.orders', '--json')).toMatchObject({
      switches: { explain: 'public.orders', json: 'true' },
    });
    expect(parse('init', '--no-test')).toMatchObject({ switches: { test: 'false' } });
    expect(parse('completion', 'fish')).toMatchObject({ name: 'completion', switches: { shell: 'fish' } });
  });

  it.each([
    [['snyc'], 'Unknown command "snyc"; did you mean sync?'],
    [['rest'], 'Unknown command "rest"; did you mean reset?'],
    [['frobnicate'], 'Unknown argument "frobnicate".'],
    [['sync', 'extra'], 'Unknown argument "extra".'],
    [['sync', '--tabel-filters', 'x'], 'Unknown option --tabel-filters; did you mean --table-filters?'],
    [['sync', '--max_retries=3'], 'Unknown option --max_retries; did you mean --max-retries?'],
    [['sync', '--confguration', 'x'], 'Unknown option --confguration; did you mean --configuration?'],
    [['sync', '--foo=1', '-x'], 'Unknown option --foo. Unknown option -x.'],
    [['reset', '--host', 'x'], 'Option --host means nothing to this command.'],
    [['plan', '--metrics-port', '1'], 'Option --metrics-port means nothing to this command.'],
    [['status', '--once'], 'Option --once means nothing to this command.'],
    [['statsu'], 'Unknown command "statsu"; did you mean status?'],
    [['monitor', '--intervall', '2'], 'Unknown option --intervall; did you mean --interval?'],
    [['sync', '--port'], '--port needs a value.'],
    [[], expect.stringMatching(/^Name a command: sync, .*completion\.$/)],
  ])('refuses %j', (argv, sentence) => {
    expect(refusal(...argv)).toEqual(sentence);
  });

  it('refuses a password as an argument without repeating it', () => {
    const sentence = refusal('sync', '--password', 'hunter2');
    expect(sentence).toMatch(/^There is no option --password, .* set PGPASSWORD instead\.$/);
    expect(refusal('sync', '--password=hunter2')).toBe(sentence);
    expect(refusal('sync', '--pasword=hunter2')).toBe('Unknown option --pasword.');
  });

  it('shows commands, options, defaults and examples in its help', () => {
    const help = parse('--help');
    expect(help).toMatchObject({ kind: 'help' });
    expect(help.kind === 'help' && help.text).toMatch(/pgsluice sync .*aliases: debug[^]*pgsluice plan[^]*Examples:/);
    const sync = parse('sync', '--help');
    expect(sync.kind === 'help' && sync.text).toMatch(/--max-retries .*\[default: 5\]/);
    expect(sync.kind === 'help' && sync.text).not.toMatch(/--password(?!-)/);
  });

  it.each(COMMANDS.map(({ name, examples }) => [name, examples] as const))(
    'shows examples in the help of %s',
    (name, examples) => {
      const help = parse(name, '--help');
      const text = help.kind === 'help' ? help.text.slice(help.text.indexOf('Examples:')) : '';
      // In two columns, which may wrap.
      for (const word of examples.flatMap(([example, meaning]) => `${example} ${meaning}`.split(' ')))
        expect(text).toContain(word.replaceAll('$0', 'pgsluice'));
    },
  );

  it.each(
    COMMANDS.flatMap(({ name, examples }) => examples.map(([example]) => [example, name] as const)).filter(
      ([example]) => example.startsWith('$0') && !example.includes('>'),
    ),
  )('understands its own example: %s', (example, name) => {
    const words = [...example.slice(3).matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
    expect(parse(...words)).toMatchObject({ kind: 'command', name });
  });

  it('keeps help within the terminal', () => {
    const help = parseCommandLine(['sync', '--help'], '1.2.3', 80);
    const lines = help.kind === 'help' ? help.text.split('\n') : [];
    expect(lines.length).toBeGreaterThan(30);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('answers --version', () => {
    expect(parse('sync', '--version')).toEqual({ kind: 'help', text: '1.2.3' });
  });
});
