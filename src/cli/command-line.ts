import { ConnectorError } from '../common/errors';
import { nearest } from '../config/nearest';
import { flagOf, OPTIONS, type OptionDeclaration, type OptionGroup } from '../config/options';
import yargs, { type Argv, type Options } from 'yargs';

export type CommandName = 'sync' | 'plan' | 'reset';

/** What a command line asks for. */
export type CommandLine =
  | { readonly kind: 'help'; readonly text: string }
  | {
      readonly kind: 'command';
      readonly name: CommandName;
      readonly configurationPath: string | undefined;
      /** Texts by configuration key, not yet checked. */
      readonly flags: Readonly<Record<string, string>>;
      /** --yes: do not ask. */
      readonly confirmed: boolean;
    };

interface CommandDeclaration {
  readonly name: CommandName;
  readonly aliases: readonly string[];
  readonly describe: string;
  /** Whose options it takes; undefined: all. */
  readonly groups?: readonly OptionGroup[];
  readonly asks?: true;
  readonly examples: readonly (readonly [string, string])[];
}

/** `reset` connects to nothing, so it needs only to know where the files are. */
export const RESET_GROUPS: readonly OptionGroup[] = ['Destination', 'Output'];

const COMMANDS: readonly CommandDeclaration[] = [
  {
    name: 'sync',
    aliases: ['debug'],
    describe: 'Replicate the tables into the warehouse',
    examples: [
      ['$0 sync', 'with ./configuration.json'],
      ['$0 sync --configuration shop.json --table-filters "public.*,!*_old"', 'only some tables'],
    ],
  },
  {
    name: 'plan',
    aliases: [],
    describe: 'Show what a sync would read, and how, without reading it',
    examples: [['$0 plan --custom-threads 2', 'with two readers']],
  },
  {
    name: 'reset',
    aliases: [],
    describe: 'Delete the warehouse and the state, so that the next sync starts anew',
    groups: RESET_GROUPS,
    asks: true,
    examples: [['$0 reset --yes', 'without being asked']],
  },
];

const CONFIGURATION: Options = {
  requiresArg: true,
  group: 'Configuration:',
  describe: 'Configuration file; without it $FIVETRAN_CONFIGURATION, else ./configuration.json',
};
const YES: Options = { type: 'boolean', alias: 'force', group: 'Configuration:', describe: 'Do not ask' };
// yargs' sentence for what it does not know (in English, by the locale set below); it suggests commands only.
const UNKNOWN = /^Unknown (?:argument|command)s?: (.*)$/s;

/** Reads the command line; throws a ConnectorError of kind configuration where it makes no sense. */
export function parseCommandLine(argv: readonly string[], version: string, terminalWidth = 100): CommandLine {
  let chosen: CommandLine | undefined;
  let parser: Argv = yargs()
    .scriptName('pgsluice')
    .locale('en')
    .usage('$0 <command> [options]\n\nReplicates PostgreSQL through ODBC into a DuckDB warehouse file.')
    .parserConfiguration({ 'camel-case-expansion': false, 'dot-notation': false, 'parse-numbers': false })
    .updateStrings({ 'Not enough arguments following: %s': '--%s needs a value' })
    .wrap(Math.min(terminalWidth, 120))
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
      [command.name, ...command.aliases],
      command.describe,
      (builder) => declareOptions(builder, command),
      (parsed) => {
        chosen = {
          kind: 'command',
          name: command.name,
          configurationPath: lastText(parsed['configuration']),
          flags: flagTexts(parsed, command),
          confirmed: parsed['yes'] === true,
        };
      },
    );
  }
  for (const [text, meaning] of COMMANDS.flatMap((command) => command.examples)) parser = parser.example(text, meaning);

  let help = '';
  // With a callback, yargs hands its output over rather than printing it.
  void parser.parse([...argv], {}, (error: Error | null | undefined, _parsed: unknown, output: string) => {
    if (error) throw error;
    help = output;
  });
  return chosen ?? { kind: 'help', text: help };
}

function optionsOf(command: CommandDeclaration): readonly OptionDeclaration[] {
  return OPTIONS.filter((option) => command.groups?.includes(option.group) ?? true);
}

function declareOptions(builder: Argv, command: CommandDeclaration): Argv {
  let parser = builder
    .usage(`$0 ${command.name} [options]\n\n${command.describe}`)
    .option('configuration', CONFIGURATION);
  if (command.asks === true) parser = parser.option('yes', YES);
  for (const option of optionsOf(command)) {
    const flag = flagOf(option);
    if (flag !== undefined) parser = parser.option(flag, yargsOption(option));
  }
  return parser;
}

/** No default and no type (which is text): where a value comes from, and whether it is right, load-settings decides. */
function yargsOption(option: OptionDeclaration): Options {
  const choices = option.kind === 'enum' ? ` (${option.choices.join(', ')})` : '';
  const value = 'default' in option && option.default !== undefined ? String(option.default) : undefined;
  return {
    ...(option.kind === 'boolean' ? { type: 'boolean' } : { requiresArg: true }),
    group: `${option.group}:`,
    describe: `${option.description}${choices}`.replaceAll('`', ''),
    ...(value === undefined ? {} : { defaultDescription: value }),
  };
}

function flagTexts(parsed: Readonly<Record<string, unknown>>, command: CommandDeclaration): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const option of optionsOf(command)) {
    const value = parsed[flagOf(option) ?? ''];
    // A list may be given in several flags; of anything else the last one counts.
    const text = option.kind === 'list' && Array.isArray(value) ? value.join(',') : lastText(value);
    if (text !== undefined) texts[option.key] = text;
  }
  return texts;
}

function lastText(value: unknown): string | undefined {
  const last: unknown = Array.isArray(value) ? value.at(-1) : value;
  return last === undefined ? undefined : String(last);
}

function usageError(message: string, argv: readonly string[]): ConnectorError {
  const advice = 'Run `pgsluice --help` to see what there is.';
  return new ConnectorError(explain(message, argv), { code: 'usage', kind: 'configuration', hint: advice });
}

/** yargs' sentence, with the nearest known word where one is unknown. */
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
  if (OPTIONS.some((known) => known.secret === true && known.key === word)) {
    return `There is no option ${option}, since every user of this machine could read it; set PGPASSWORD instead.`;
  }
  const known = ['configuration', 'help', 'version', 'yes', ...OPTIONS.flatMap((each) => flagOf(each) ?? [])];
  if (known.includes(word)) return `Option ${option} means nothing to this command.`;
  const meant = nearest(word, known);
  return meant === undefined ? `Unknown option ${option}.` : `Unknown option ${option}; did you mean --${meant}?`;
}
