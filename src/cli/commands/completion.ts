import { ConnectorError } from '../../common/errors';
import { flagOf } from '../../config/options';
import { COMMANDS, type CommandDeclaration } from '../command-declarations';
import { optionsOf, readsConfiguration } from '../command-groups';
import type { Command } from '../command';
import { EXIT } from '../exit-codes';
import { basename } from 'node:path';

/** What may follow a flag. */
type Value = 'none' | 'any' | 'file' | readonly string[];

interface Flag {
  readonly name: string;
  /** The form of one letter. */
  readonly short?: string;
  readonly value: Value;
  readonly describe: string;
}

/** Prints a script that completes without Node: starting Node at each press of the Tab key would be too slow. */
export const completion: Command = (context) => {
  const shell = context.switches['shell'] ?? basename(context.io.env['SHELL'] ?? '');
  const script = completionScript(shell);
  if (script === undefined) {
    throw new ConnectorError(`There is no completion for the shell "${shell}".`, {
      code: 'usage',
      kind: 'configuration',
      hint: 'Name one: bash, zsh or fish.',
    });
  }
  context.io.stdout.write(script);
  return Promise.resolve(EXIT.ok);
};

export function completionScript(shell: string): string | undefined {
  if (shell === 'bash') return bashScript();
  if (shell === 'zsh') return `autoload -U +X bashcompinit && bashcompinit\n${bashScript()}`;
  return shell === 'fish' ? fishScript() : undefined;
}

const OUTPUT_FLAGS: readonly Flag[] = [
  { name: 'quiet', short: 'q', value: 'none', describe: 'Log warnings and errors only' },
  { name: 'verbose', short: 'v', value: 'none', describe: 'As --debug' },
];

function flagsOf(command: CommandDeclaration): readonly Flag[] {
  const configuration: Flag = { name: 'configuration', short: 'c', value: 'file', describe: 'Configuration file' };
  return [
    ...(readsConfiguration(command) ? [configuration] : []),
    ...(optionsOf(command).some(({ key }) => key === 'debug') ? OUTPUT_FLAGS : []),
    ...(command.switches ?? []).map(({ flag, kind, describe }): Flag => ({
      name: flag,
      value: kind === 'boolean' ? 'none' : 'any',
      describe,
    })),
    ...optionsOf(command).flatMap((option): Flag[] => {
      const name = flagOf(option);
      if (name === undefined) return [];
      const value: Value =
        option.kind === 'boolean'
          ? 'none'
          : option.kind === 'enum'
            ? option.choices
            : option.kind === 'path'
              ? 'file'
              : 'any';
      return [{ name, value, describe: option.label }];
    }),
    { name: 'help', value: 'none', describe: 'Show help' },
  ];
}

function spellings({ name, short }: Flag): readonly string[] {
  return [`--${name}`, ...(short === undefined ? [] : [`-${short}`])];
}

const names = (command: CommandDeclaration): readonly string[] => [command.name, ...command.aliases];

function bashScript(): string {
  const commands = COMMANDS.map((command) => {
    const flags = flagsOf(command);
    const words = [...(command.positional?.choices ?? []), ...flags.flatMap(spellings)];
    return `    ${names(command).join('|')}) words="${words.join(' ')}" ;;`;
  });
  const values = new Map<string, Value>();
  for (const flag of COMMANDS.flatMap(flagsOf)) values.set(spellings(flag).join('|'), flag.value);
  const valued = [...values].flatMap(([name, value]) => {
    if (value === 'none') return [];
    if (value === 'file') return [`    ${name}) COMPREPLY=($(compgen -f -- "$current")); return ;;`];
    if (value === 'any') return [`    ${name}) return ;;`];
    return [`    ${name}) COMPREPLY=($(compgen -W "${value.join(' ')}" -- "$current")); return ;;`];
  });
  return `# pgsluice completion: source this file, or put it into your shell's folder of completions.
_pgsluice() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}" words=
  # --flag=value is three words to bash.
  if [ "$current" = "=" ]; then
    current=
  elif [ "$previous" = "=" ]; then
    previous="\${COMP_WORDS[COMP_CWORD - 2]}"
  fi
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${COMMANDS.flatMap(names).join(' ')} --help --version" -- "$current"))
    return
  fi
  case "$previous" in
${valued.join('\n')}
  esac
  case "\${COMP_WORDS[1]}" in
${commands.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o filenames -F _pgsluice pgsluice
`;
}

function fishScript(): string {
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = ['# pgsluice completion for fish', 'complete -c pgsluice -f'];
  for (const command of COMMANDS) {
    const describe = quote(command.describe);
    for (const name of names(command)) {
      lines.push(`complete -c pgsluice -n __fish_use_subcommand -a ${name} -d ${describe}`);
    }
    const when = quote(`__fish_seen_subcommand_from ${names(command).join(' ')}`);
    for (const choice of command.positional?.choices ?? []) {
      lines.push(`complete -c pgsluice -n ${when} -a ${choice}`);
    }
    for (const flag of flagsOf(command)) {
      const value =
        flag.value === 'none'
          ? ''
          : flag.value === 'file'
            ? ' -r -F'
            : flag.value === 'any'
              ? ' -x'
              : ` -x -a ${quote(flag.value.join(' '))}`;
      const short = flag.short === undefined ? '' : ` -s ${flag.short}`;
      lines.push(`complete -c pgsluice -n ${when} -l ${flag.name}${short}${value} -d ${quote(flag.describe)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
