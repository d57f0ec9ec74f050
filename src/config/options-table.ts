import { environmentNamesOf, flagOf, OPTIONS, type OptionDeclaration, type OptionGroup } from './options';

export const OPTIONS_START = '<!-- options:start -->';
export const OPTIONS_END = '<!-- options:end -->';

/** Renders the README's tables, one per group; `npm run docs` writes them between the two markers. */
export function renderOptionsTable(): string {
  const groups = [...new Set(OPTIONS.map((option) => option.group))];
  return groups.map(renderGroup).join('\n\n');
}

/** Replaces the block between the markers; undefined where the markers are missing. */
export function replaceOptionsTable(text: string): string | undefined {
  const start = text.indexOf(OPTIONS_START);
  const end = text.indexOf(OPTIONS_END);
  if (start < 0 || end < start) return undefined;
  return `${text.slice(0, start + OPTIONS_START.length)}\n\n${renderOptionsTable()}\n\n${text.slice(end)}`;
}

/** The values an option takes, in words; undefined where any text is valid. */
function valueRange(option: OptionDeclaration): string | undefined {
  switch (option.kind) {
    case 'integer':
    case 'number':
      return `${option.min} to ${option.max}`;
    case 'enum':
      return option.choices.map((choice) => `\`${choice}\``).join(', ');
    case 'boolean':
      return '`true`, `false`';
    default:
      return undefined;
  }
}

function renderGroup(group: OptionGroup): string {
  const rows = OPTIONS.filter((option) => option.group === group).map(
    (option) => `| ${cells(option).map(escapeCell).join(' | ')} |`,
  );
  const header = ['Key', 'Flag', 'Environment', 'Default', 'What it does'];
  return [`**${group}**`, '', `| ${header.join(' | ')} |`, `|${' --- |'.repeat(header.length)}`, ...rows].join('\n');
}

function cells(option: OptionDeclaration): readonly string[] {
  const flag = flagOf(option);
  const range = valueRange(option);
  const example = option.example === undefined ? undefined : `e.g. \`${option.example}\``;
  return [
    `\`${option.key}\``,
    flag === undefined ? '–' : `\`--${flag}\``,
    environmentNamesOf(option)
      .map((name) => `\`${name}\``)
      .join(', '),
    defaultText(option),
    [option.description, range, example].filter((part) => part !== undefined).join('; '),
  ];
}

function defaultText(option: OptionDeclaration): string {
  if (option.required === true) return '**required**';
  return 'default' in option && option.default !== undefined ? `\`${option.default}\`` : '–';
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}
