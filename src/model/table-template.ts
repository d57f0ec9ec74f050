/** Reads and fills the template that the names of the warehouse's tables are made of. */

export const DEFAULT_TABLE_TEMPLATE = 'source_{schema}_{table}';

/** How names of the connector's own tables begin, in whichever case. */
const OWN_NAME = /^_pgsluice/i;

/** Whether names may be made of it: letters, digits, underscores, `{schema}` and `{table}`, the latter at least once. */
export function isTableTemplate(text: string): boolean {
  return /^(?:\w|\{schema\}|\{table\})+$/.test(text) && text.includes('{table}') && !isOwnName(text);
}

/** Whether the connector keeps the name for itself. */
export function isOwnName(name: string): boolean {
  return OWN_NAME.test(name);
}

export function fillTemplate(template: string, table: { readonly schema: string; readonly name: string }): string {
  return template.replace(/\{schema\}|\{table\}/g, (part) => (part === '{schema}' ? table.schema : table.name));
}
