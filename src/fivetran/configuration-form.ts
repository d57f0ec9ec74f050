/** Makes the setup form from the one option table. */
import { OPTIONS, type OptionDeclaration, type OptionGroup } from '../config/options';
import { CONNECTION_TESTS } from './test-names';

export interface FormField {
  readonly name: string;
  readonly label: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly text_field?: 'PlainText' | 'Password' | 'Hidden';
  readonly dropdown_field?: { readonly dropdown_field: readonly string[] };
  readonly toggle_field?: Readonly<Record<string, never>>;
  readonly conditional_fields?: {
    readonly condition: { readonly condition_field: string; readonly bool_value: boolean };
    readonly fields: readonly FormField[];
  };
  readonly default_value?: string;
  readonly placeholder?: string;
}

export interface ConfigurationForm {
  readonly schema_selection_supported: boolean;
  readonly table_selection_supported: boolean;
  readonly fields: readonly FormField[];
  readonly tests: readonly { readonly name: string; readonly label: string }[];
}

const ADVANCED = 'advanced';
/** Fields of the form that are no options; only this service uses them. */
export const FORM_ONLY_KEYS: readonly string[] = ['with_schema', ADVANCED];
/** The groups that everyone fills in; the others appear on request. */
const FIRST_GROUPS: readonly OptionGroup[] = ['Connection', 'Tables'];

const WITH_SCHEMA_FIELD: FormField = {
  name: 'with_schema',
  label: 'Keep schemas',
  required: false,
  description:
    'Send tables under the schemas of the source, rather than in one list as source_{schema}_{table}. Not to be changed later: every table would get another name.',
  toggle_field: {},
  default_value: 'false',
};

const ADVANCED_FIELD: FormField = {
  name: ADVANCED,
  label: 'Advanced options',
  required: false,
  description: 'Show the options for reading, retries and logs. The defaults suit nearly everyone.',
  toggle_field: {},
  default_value: 'false',
};

export function configurationForm(): ConfigurationForm {
  const options = OPTIONS.filter((option) => option.local !== true);
  const first = options.filter((option) => FIRST_GROUPS.includes(option.group));
  const others = options.filter((option) => !FIRST_GROUPS.includes(option.group));
  return {
    schema_selection_supported: true,
    table_selection_supported: true,
    fields: [
      ...first.map((option) => field(option, option.label)),
      WITH_SCHEMA_FIELD,
      ADVANCED_FIELD,
      {
        name: 'advanced_options',
        label: 'Advanced options',
        required: false,
        conditional_fields: {
          condition: { condition_field: ADVANCED, bool_value: true },
          // Without its group the label says too little here.
          fields: others.map((option) => field(option, `${option.group}: ${option.label}`)),
        },
      },
    ],
    tests: CONNECTION_TESTS.map(({ name, label }) => ({ name, label })),
  };
}

function field(option: OptionDeclaration, label: string): FormField {
  const standard = 'default' in option && option.default !== undefined ? String(option.default) : undefined;
  return {
    name: option.key,
    label,
    required: option.required === true,
    description: describe(option),
    ...kindOf(option),
    ...(standard === undefined ? {} : { default_value: standard }),
    ...(option.example === undefined || option.secret === true ? {} : { placeholder: option.example }),
  };
}

function kindOf(option: OptionDeclaration): Partial<FormField> {
  if (option.secret === true || option.kind === 'password') return { text_field: 'Password' };
  switch (option.kind) {
    case 'enum':
      return { dropdown_field: { dropdown_field: option.choices } };
    case 'boolean':
      return { toggle_field: {} };
    default:
      return { text_field: 'PlainText' };
  }
}

/** The option's phrase as sentences, with the range of a number. */
function describe(option: OptionDeclaration): string {
  const phrase = option.description.replaceAll('`', '');
  const range = option.kind === 'integer' || option.kind === 'number' ? ` From ${option.min} to ${option.max}.` : '';
  const place = option.kind === 'path' ? ' A path on the machine that runs pgsluice.' : '';
  return `${phrase.slice(0, 1).toUpperCase()}${phrase.slice(1)}.${range}${place}`;
}
