import { commandWords } from './command-words';
import { hookTarget } from './hook-target';
import type { OptionDeclaration, OptionValue } from './options';
import { durationSeconds } from '../common/duration';
import { isTableTemplate } from '../model/table-template';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { isSlotName, LONGEST_NAME_BYTES } from './slot-name';

/** Where a value was found, for messages and for paths. */
export interface ValueOrigin {
  /** `--port`, `PGSLUICE_PORT` or the configuration file. */
  readonly name: string;
  /** Relative paths begin here. */
  readonly directory: string;
}

export type ParsedValue = { readonly value: OptionValue } | { readonly problem: string };

const TRUE = new Set(['true', '1', 'yes', 'on']);
const FALSE = new Set(['false', '0', 'no', 'off']);
// Placeholders of the connector's and of Fivetran's samples; no real value looks like this.
const PLACEHOLDER = /^(?:<\s*your[\s_-].*>|<?YOUR_[A-Z0-9_]+>?)$/i;
const LONGEST_QUOTE = 60;
const LONGEST_SECONDS = 3_650 * 86_400;

/**
 * Parses one option's text: the typed value, or the sentence that says what is wrong with it. No sentence shows a
 * secret's text.
 */
export function parseOption(option: OptionDeclaration, text: string, origin: ValueOrigin): ParsedValue {
  const trimmed = text.trim();
  const problem = (advice: string): ParsedValue => ({ problem: `${option.key} (${origin.name}) ${advice}.` });
  const not = option.secret === true ? '' : `, not ${quote(text)}`;

  if (PLACEHOLDER.test(trimmed)) {
    const shown = option.secret === true ? 'a placeholder' : `the placeholder ${quote(trimmed)}`;
    return problem(`still holds ${shown}; replace it with your own value`);
  }
  if (text.includes('\0')) return problem('contains a NUL character, which no connection can carry; remove it');

  switch (option.kind) {
    case 'password':
      return { value: text };
    case 'command': {
      const parsed = option.orUrl === true ? hookTarget(trimmed) : commandWords(trimmed);
      return 'problem' in parsed ? problem(parsed.problem) : { value: trimmed };
    }
    case 'string':
      // The URL itself may hold a password, so it is not shown.
      if (option.key === 'host' && trimmed.includes('://')) {
        return problem('must be a name or an address only; put the other parts of the URL into options of their own');
      }
      if (option.key === 'destination_schema') {
        const taken = takenSchema(trimmed);
        if (taken !== undefined) return problem(`cannot be ${quote(trimmed)}, which is ${taken}; name another schema`);
      }
      if (option.key === 'destination_table' && !isTableTemplate(trimmed))
        return problem(
          `must be made of letters, digits, underscores, {schema} and {table}, with {table} in it, and not begin with _pgsluice${not}`,
        );
      if (option.key === 'slot_name' && !isSlotName(trimmed)) {
        return problem(`must be 1 to ${LONGEST_NAME_BYTES} lower-case letters, digits and underscores${not}`);
      }
      if (option.key === 'publication_name' && Buffer.byteLength(trimmed) > LONGEST_NAME_BYTES) {
        return problem(`must have at most ${LONGEST_NAME_BYTES} bytes, as every name of PostgreSQL${not}`);
      }
      return { value: trimmed };
    case 'integer':
    case 'number': {
      const whole = option.kind === 'integer';
      const pattern = whole ? /^[+-]?\d+$/ : /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
      const value = pattern.test(trimmed) ? Number(trimmed) : NaN;
      if (value >= option.min && value <= option.max) return { value };
      return problem(`must be a ${whole ? 'whole number' : 'number'} from ${option.min} to ${option.max}${not}`);
    }
    case 'duration': {
      const value = durationSeconds(trimmed);
      if (value >= 1 && value <= LONGEST_SECONDS) return { value };
      return problem(`must be a duration such as 30m, 12h or 7d, 3650d at most${not}`);
    }
    case 'boolean': {
      const lower = trimmed.toLowerCase();
      if (TRUE.has(lower)) return { value: true };
      if (FALSE.has(lower)) return { value: false };
      return problem(`must be true or false${not}`);
    }
    case 'enum': {
      const lower = trimmed.toLowerCase();
      if (option.choices.includes(lower)) return { value: lower };
      return problem(`must be one of ${option.choices.join(', ')}${not}`);
    }
    case 'list': {
      const value = parseList(trimmed);
      if (value === undefined) return problem(`must be separated by commas, or be a JSON array of strings${not}`);
      if (value.includes('!')) return problem(`holds a "!" that excludes nothing; write the pattern after it${not}`);
      return { value };
    }
    case 'path': {
      if (option.keywords?.includes(trimmed) === true) return { value: trimmed };
      if (option.orElsewhere === true && ELSEWHERE.test(trimmed)) return { value: trimmed };
      const path =
        option.orElsewhere === true ? sqlitePath(origin.directory, trimmed) : resolve(origin.directory, trimmed);
      if (option.mustExist !== true || existsSync(path)) return { value: path };
      return problem(`names ${path}, which does not exist; correct the path`);
    }
  }
}

/** A URL, or a connection string of PostgreSQL. */
const ELSEWHERE = /^(?:(?!sqlite:)[a-z][a-z0-9+.-]+:|\w+\s*=)/i;

/** `sqlite:FILE` names a file as well, and what it is. */
function sqlitePath(directory: string, text: string): string {
  const file = /^(sqlite:)?(.*)$/is.exec(text);
  return `${file?.[1] ?? ''}${resolve(directory, file?.[2] ?? text)}`;
}

/** The owner of a reserved schema: DuckDB, which makes no table in it, or the connector itself. DuckDB ignores case. */
function takenSchema(name: string): string | undefined {
  const folded = name.toLowerCase();
  if (['temp', 'system', 'pg_catalog', 'information_schema'].includes(folded)) return 'a name of DuckDB itself';
  return ['_pgsluice', '_pgsluice_warehouse'].includes(folded) ? 'kept for the connector itself' : undefined;
}

function parseList(text: string): readonly string[] | undefined {
  let entries: readonly string[];
  if (text.startsWith('[')) {
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      return undefined;
    }
    if (!Array.isArray(parsed) || !parsed.every((entry) => typeof entry === 'string')) return undefined;
    entries = parsed;
  } else {
    entries = text.split(',');
  }
  return entries.map((entry) => entry.trim()).filter((entry) => entry !== '');
}

function quote(text: string): string {
  return JSON.stringify(text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text);
}
