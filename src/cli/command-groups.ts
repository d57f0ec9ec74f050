/** Which options a command takes: by its groups, and by switches that make them more or fewer. */
import { OPTIONS, type OptionDeclaration, type OptionGroup } from '../config/options';
import { LOCAL_GROUPS, type CommandDeclaration } from './command-declarations';

export function optionsOf(command: CommandDeclaration): readonly OptionDeclaration[] {
  const groups = groupsOf(command, { [command.more?.flag ?? '']: 'true' });
  return OPTIONS.filter((option) => groups?.includes(option.group) ?? option.group !== 'Fleet');
}

/** The groups of the options that count with these switches; undefined: all. */
export function groupsOf(
  { groups, more }: CommandDeclaration,
  switches: Readonly<Record<string, string>>,
): readonly OptionGroup[] | undefined {
  return more !== undefined && switches[more.flag] === 'true'
    ? [...new Set([...(groups ?? []), ...more.groups])]
    : groups;
}

/** As `groupsOf`, of the options that are loaded: those of the connection do not matter where there is none. */
export function loadedGroups(
  command: CommandDeclaration,
  switches: Readonly<Record<string, string>>,
): readonly OptionGroup[] | undefined {
  const { localWith } = command;
  const isLocal = localWith !== undefined && switches[localWith] !== undefined;
  return isLocal ? LOCAL_GROUPS : groupsOf(command, switches);
}

/** Whether it reads a configuration file at all. */
export function readsConfiguration(command: CommandDeclaration): boolean {
  return command.groups === undefined || command.groups.length > 0;
}
