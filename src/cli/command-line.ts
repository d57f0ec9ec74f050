import { ConnectorError } from '../common/errors';
import { nearest } from '../config/nearest';
import { environmentNamesOf, flagOf, OPTIONS, type OptionDeclaration } from '../config/options';
import { COMMANDS, type CommandDeclaration, type CommandName, type SwitchDeclaration } from './command-declarations';
import { groupsOf, optionsOf, readsConfiguration } from './command-groups';
import yargs, { type Argv, type Options } from 'yargs';

/** The result of parsing a command line. */
export type CommandLine =
  | { readonly kind: 'help'; readonly text: string }
  | {
      readonly kind: 'command';
      readonly name: CommandName;
      readonly configurationPath: string | undefined;
      /** Texts by configuration key, not yet checked. */
      readonly flags: Readonly<Record<string, string>>;
      /** Texts of the command's own switches and of its word, by name; 'true' and 'false' for switches without a value. */
      readonly switches: Readonly<Record<string, string>>;
    };

const CONFIGURATION: Options = {
  requiresArg: true,
  alias: 'c',
  group: 'Configuration:',
  describe: 'Configuration file; without it $FIVETRAN_CONFIGURATION, else ./configuration.json',
};
const QUIET: Options = {
  type: 'boolean',
  alias: 'q',
  group: 'Output:',
  describe: 'Log warnings and errors only; a sync that succeeds prints nothing',
};
/** Short names of options that other programs have as well. */
const ALIASES: Readonly<Record<string, readonly string[]>> = { debug: ['v', 'verbose'] };
// yargs' sentence for unknown words (in English, by the locale set below). It suggests commands only.
const UNKNOWN = /^Unknown (?:argument|command)s?: (.*)$/s;

/** Reads the command line; throws a ConnectorError of kind configuration where it makes no sense. */
export function parseCommandLine(argv: readonly string[], version: string, terminalWidth = 100): CommandLine {
  let parser: Argv = yargs()
    .scriptName('pgsluice')
    .locale('en')
    .usage('$0 <command> [options]\n\nReplicates PostgreSQL through ODBC into a DuckDB warehouse file.')
    .parserConfiguration({ 'camel-case-expansion': false, 'dot-notation': false, 'parse-numbers': false })
    .updateStrings({ 'Not enough arguments following: %s': '--%s needs a value' })
    .wrap(mayShowHelp(argv) ? Math.min(terminalWidth, 120) : null)
    .exitProcess(false)
    .fail((message, error: Error | undefined) => {
      if (error !== undefined && error.name !== 'YError') throw error;
      throw usageError(error?.message ?? message, argv);
    })
    .demandCommand(1, 'Name a command:')
    .strict()
    .alias('help', 'h')
    .version(version)
    .epilogue('Every option may also stand in configuration.json or in the environment, as PGSLUICE_<KEY>.');
  for (const command of COMMANDS) {
    parser = parser.command(
      [usageOf(command), ...command.aliases],
      command.describe,
      (builder) => declareOptions(builder, command),
      (parsed) => {
        refuseMeaningless(parsed, command, argv);
        throw new Chosen({
          kind: 'command',
          name: command.name,
          configurationPath: lastText(parsed['configuration']),
          flags: quietFlags(flagTexts(parsed, command), parsed['quiet'] === true),
          switches: switchTexts(parsed, command),
        });
      },
    );
  }
  // Two examples per command would hide the list of commands; the others are in the command's own help.
  for (const { examples } of COMMANDS) {
    const [first] = examples;
    if (first !== undefined) parser = parser.example(...first);
  }

  let help = '';
  // With a callback, yargs returns its output rather than printing it.
  try {
    void parser.parse([...argv], {}, (error: Error | null | undefined, _parsed: unknown, output: string) => {
      if (error) throw error;
      help = output;
    });
  } catch (thrown) {
    if (thrown instanceof Chosen) return thrown.commandLine;
    throw thrown;
  }
  return { kind: 'help', text: help };
}

/** Options that a command takes with a switch only, which was not given. */
function refuseMeaningless(
  parsed: Readonly<Record<string, unknown>>,
  command: CommandDeclaration,
  argv: readonly string[],
): void {
  const groups = groupsOf(command, switchTexts(parsed, command));
  const given = optionsOf(command).find(
    (option) => parsed[flagOf(option) ?? ''] !== undefined && groups?.includes(option.group) === false,
  );
  if (given !== undefined) throw usageError(`Unknown argument: ${flagOf(given) ?? ''}`, argv);
}

/** Thrown by a command that is called. Otherwise yargs would go on to write its help, needed or not, for 6 ms. */
class Chosen extends Error {
  constructor(readonly commandLine: CommandLine) {
    super();
  }
}

/** Wrapping help takes 40 ms, and yargs writes some of it in any case. */
function mayShowHelp(argv: readonly string[]): boolean {
  const named = COMMANDS.some(({ name, aliases }) => [name, ...aliases].some((it) => it === argv[0]));
  return !named || argv.includes('--help') || argv.includes('-h');
}

function usageOf(command: CommandDeclaration): string {
  return command.positional === undefined
    ? command.name
    : `${command.name} [${command.positional.name}${command.positional.many === true ? '..' : ''}]`;
}

function declareOptions(builder: Argv, command: CommandDeclaration): Argv {
  let parser = builder.usage(`$0 ${usageOf(command)} [options]\n\n${command.describe}`);
  if (command.positional !== undefined) {
    const { name, describe, choices } = command.positional;
    parser = parser.positional(name, { type: 'string', describe, ...(choices === undefined ? {} : { choices }) });
  }
  if (readsConfiguration(command)) parser = parser.option('configuration', CONFIGURATION);
  for (const own of command.switches ?? []) parser = parser.option(own.flag, yargsSwitch(own));
  for (const option of optionsOf(command)) {
    const flag = flagOf(option);
    if (flag !== undefined) parser = parser.option(flag, yargsOption(option));
  }
  if (takesOutput(command)) parser = parser.option('quiet', QUIET);
  for (const [text, meaning] of command.examples) parser = parser.example(text, meaning);
  return parser;
}

function yargsSwitch(own: SwitchDeclaration): Options {
  return {
    ...(own.kind === 'boolean' ? { type: 'boolean' } : { requiresArg: true }),
    ...(own.alias === undefined ? {} : { alias: own.alias }),
    group: 'Command:',
    describe: own.describe,
  };
}

/** Declared without default and type, so as text: load-settings decides which value counts, and whether it is valid. */
function yargsOption(option: OptionDeclaration): Options {
  const choices = option.kind === 'enum' ? ` (${option.choices.join(', ')})` : '';
  const value = 'default' in option && option.default !== undefined ? String(option.default) : undefined;
  return {
    ...(option.kind === 'boolean' ? { type: 'boolean' } : { requiresArg: true }),
    ...(ALIASES[option.key] === undefined ? {} : { alias: ALIASES[option.key] }),
    group: `${option.group}:`,
    describe: `${option.description}${choices}`.replaceAll('`', ''),
    ...(value === undefined ? {} : { defaultDescription: value }),
  };
}

function flagTexts(parsed: Readonly<Record<string, unknown>>, command: CommandDeclaration): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const option of optionsOf(command)) {
    const value = parsed[flagOf(option) ?? ''];
    // A list may be given in several flags; for anything else the last flag counts.
    const text = option.kind === 'list' && Array.isArray(value) ? value.join(',') : lastText(value);
    if (text !== undefined) texts[option.key] = text;
  }
  return texts;
}

function takesOutput(command: CommandDeclaration): boolean {
  return optionsOf(command).some((option) => option.group === 'Output');
}

/** What is asked for by name wins over the short form. */
function quietFlags(flags: Record<string, string>, quiet: boolean): Record<string, string> {
  if (!quiet) return flags;
  if (flags['debug'] === 'true') {
    const hint = 'Give one of the two.';
    throw new ConnectorError('-q (--quiet) and -v (--debug) contradict each other.', {
      code: 'usage',
      kind: 'configuration',
      hint,
    });
  }
  return { log_level: 'warning', ...flags };
}

function switchTexts(parsed: Readonly<Record<string, unknown>>, command: CommandDeclaration): Record<string, string> {
  const names = [
    ...(command.switches ?? []).map((own) => own.flag),
    ...(command.positional === undefined ? [] : [command.positional.name]),
    'quiet',
  ];
  const words = command.positional?.many === true ? parsed[command.positional.name] : undefined;
  if (command.positional !== undefined && Array.isArray(words))
    parsed = { ...parsed, [command.positional.name]: words.map(String).join('\n') };
  return Object.fromEntries(
    names.flatMap((name) => {
      const text = lastText(parsed[name]);
      return text === undefined ? [] : [[name, text]];
    }),
  );
}

function lastText(value: unknown): string | undefined {
  const last: unknown = Array.isArray(value) ? value.at(-1) : value;
  return typeof last === 'string' || typeof last === 'boolean' ? String(last) : undefined;
}

function usageError(message: string, argv: readonly string[]): ConnectorError {
  const advice = 'Run `pgsluice --help` to see what there is.';
  return new ConnectorError(explain(message, argv), { code: 'usage', kind: 'configuration', hint: advice });
}

/** yargs' sentence, with the nearest known word for an unknown one. */
function explain(message: string, argv: readonly string[]): string {
  if (message.startsWith('Name a command')) {
    return `${message} ${COMMANDS.map((command) => command.name).join(', ')}.`;
  }
  const unknown = UNKNOWN.exec(message)?.[1];
  if (unknown === undefined) return message.replace(/\.?\s*$/, '.');
  return unknown
    .split(',')
    .map((word) => explainUnknown(word.trim(), argv))
    .join(' ');
}

function explainUnknown(word: string, argv: readonly string[]): string {
  const written = argv.find((argument) => /^--?[^-]/.test(argument) && argument.replace(/^--?|=.*$/gs, '') === word);
  if (written === undefined) {
    const meant = nearest(
      word,
      COMMANDS.flatMap((command) => [command.name, ...command.aliases]),
    );
    return meant === undefined ? `Unknown argument "${word}".` : `Unknown command "${word}"; did you mean ${meant}?`;
  }
  const option = written.replace(/=.*$/s, '');
  const secret = OPTIONS.find((known) => known.secret === true && known.key.replaceAll('_', '-') === word);
  if (secret !== undefined) {
    const variable = environmentNamesOf(secret).at(-1) ?? '';
    return `There is no option ${option}, since every user of this machine could read it; set ${variable} instead.`;
  }
  const own = COMMANDS.flatMap((command) => (command.switches ?? []).map((each) => each.flag));
  const known = [
    'configuration',
    'quiet',
    'verbose',
    'help',
    'version',
    ...own,
    ...OPTIONS.flatMap((each) => flagOf(each) ?? []),
  ];
  if (known.includes(word)) return `Option ${option} means nothing to this command.`;
  const meant = nearest(word, known);
  return meant === undefined ? `Unknown option ${option}.` : `Unknown option ${option}; did you mean --${meant}?`;
}
