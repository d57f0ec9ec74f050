import { OPTIONS } from '../../../src/config/options';
import { configurationForm, type FormField } from '../../../src/fivetran/configuration-form';

const form = configurationForm();
const fields = form.fields.flatMap((field): readonly FormField[] => [
  field,
  ...(field.conditional_fields?.fields ?? []),
]);
const field = (name: string): FormField | undefined => fields.find((each) => each.name === name);

it('has a field for every option but those of the command line, and no two of one name', () => {
  const names = fields.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const option of OPTIONS)
    expect([option.key, names.includes(option.key)]).toEqual([option.key, option.local !== true]);
});

it('hides passwords, offers choices, and marks what must be filled in', () => {
  expect(field('password')).toMatchObject({ text_field: 'Password', required: true });
  expect(field('password')).not.toHaveProperty('placeholder');
  expect(field('sslmode')?.dropdown_field?.dropdown_field).toContain('verify-full');
  expect(field('debug')).toMatchObject({ toggle_field: {}, default_value: 'false', required: false });
  expect(form.fields.filter(({ required }) => required === true).map(({ name }) => name)).toEqual([
    'host',
    'port',
    'database',
    'username',
    'password',
  ]);
});

it('describes each field in a sentence, and shows what few need only when asked', () => {
  for (const { name, label, description } of fields) {
    expect(label).not.toBe('');
    if (name !== 'advanced_options') expect(description).toMatch(/^[A-Z0-9].*\.$/s);
    expect(description ?? '').not.toContain('`');
  }
  const advanced = form.fields.find((each) => each.conditional_fields !== undefined)?.conditional_fields;
  expect(advanced?.condition).toEqual({ condition_field: 'advanced', bool_value: true });
  expect(advanced?.fields.map(({ name }) => name)).toEqual(expect.arrayContaining(['batch_bytes', 'max_retries']));
});

it('announces its tests and its support of selection', () => {
  expect(form.tests.map(({ name }) => name)).toEqual([
    'settings',
    'driver',
    'connection',
    'credentials',
    'permissions',
    'sync_mode',
  ]);
  expect([form.schema_selection_supported, form.table_selection_supported]).toEqual([true, true]);
});
