/** Which options a command takes: by its groups, and by switches that make them more or fewer. */
import { OPTIONS, type OptionDeclaration, type OptionGroup } from '../config/options';
import { LOCAL_GROUPS, type CommandDeclaration } from './command-declarations';

export function optionsOf(command: CommandDeclaration): readonly OptionDeclaration[] {
  const groups = groupsOf(command, { [command.more?.flag ?? '']: 'true' });
  return OPTIONS.filter((option) => groups?.includes(option.group) ?? true);
}

/** Of the options that count with these switches; undefined: all. */
export function groupsOf(
  { groups, more, localWith }: CommandDeclaration,
  switches: Readonly<Record<string, string>>,
): readonly OptionGroup[] | undefined {
  if (localWith !== undefined && switches[localWith] !== undefined) return LOCAL_GROUPS;
  return more !== undefined && switches[more.flag] === 'true'
    ? [...new Set([...(groups ?? []), ...more.groups])]
    : groups;
}

/** Whether it reads a configuration file at all. */
export function readsConfiguration(command: CommandDeclaration): boolean {
  return command.groups === undefined || command.groups.length > 0;
}
