import { dataSourceSecrets } from '../../app/data-source-secrets';
import { runChecks } from '../../app/check/run-checks';
import { driverLibrary } from '../../app/driver-library';
import { ConnectorError } from '../../common/errors';
import { createRedactor } from '../../common/redact';
import { readConfigurationFile } from '../../config/configuration-file';
import { loadSettings } from '../../config/load-settings';
import { parseOption } from '../../config/option-values';
import { environmentNamesOf, flagOf, OPTIONS, type OptionDeclaration } from '../../config/options';
import type { Command, CommandContext } from '../command';
import { EXIT } from '../exit-codes';
import { canAsk, createPrompter, type Prompter } from '../prompt';
import { renderFinding } from './check';
import { existsSync, mkdirSync, writeFileSync, renameSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** The questions, in this order; everything else has a default. */
const ASKED = ['host', 'port', 'database', 'username', 'password', 'sslmode'];
/** Where one of them is named, no password is asked for or written. */
const OTHER_PASSWORDS = ['password_file', 'password_command'];
const PRESETS: Readonly<Record<string, string>> = { host: 'localhost', port: '5432', sslmode: 'prefer' };
const TEMPLATE_HINT = 'The file may also be written by hand, after configuration.sample.json.';

/** Writes a configuration that only its owner can read, and tries it. */
export const init: Command = async (context) => {
  const { output, configurationPath: path, switches, io } = context;
  const sure = switches['yes'] === 'true';
  const asking = !sure && canAsk(io);
  const exists = existsSync(path);
  if (exists && !sure && !asking) {
    throw new ConnectorError(`${path} exists already; repeat the command with --yes to replace it.`, {
      code: 'configuration_exists',
      kind: 'configuration',
      hint: 'Or name another file with --configuration.',
    });
  }
  const prompter = asking ? createPrompter(io, context.signal) : undefined;
  let values: ReadonlyMap<string, string>;
  try {
    if (exists && prompter !== undefined) {
      const answer = await prompter.ask(`${path} exists already. Change it? (yes, no)`, 'no');
      if (!/^y(?:es)?$/i.test(answer)) {
        output.print(['Nothing was changed.']);
        return EXIT.ok;
      }
    }
    values = await gather(
      context,
      prompter,
      exists && !sure ? readConfigurationFile(path, true).values : new Map<string, string>(),
    );
  } finally {
    prompter?.close();
  }
  writePrivate(path, `${JSON.stringify(Object.fromEntries(values), null, 2)}\n`);
  output.print([`Wrote ${path}, readable by you only.`]);
  const odbcIni = switches['odbc-ini'];
  if (odbcIni !== undefined) writeDataSource(context, resolve(io.cwd, odbcIni), values);
  const code = switches['test'] === 'false' ? EXIT.ok : await test(context);
  const wrong = code === EXIT.connection;
  const flag = path === resolve(io.cwd, 'configuration.json') ? '' : ` --configuration ${path}`;
  output.print([
    '',
    ...(wrong ? [`Correct ${path}, or run \`pgsluice init${flag}\` again. First:`] : []),
    ...(code === EXIT.ok || wrong ? [] : ['The login works; what is marked FAILURE above is still to be done. Then:']),
    `pgsluice check${flag}    looks at everything that a sync needs`,
    `pgsluice plan${flag}     shows what would be read`,
    `pgsluice sync${flag}     replicates`,
  ]);
  return code;
};

/** Values by key: from flags, then the environment, then the person, who may keep the present ones. */
async function gather(
  context: CommandContext,
  prompter: Prompter | undefined,
  present: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, string>> {
  const { io, flags } = context;
  const values = new Map<string, string>();
  const given = (option: OptionDeclaration): string | undefined =>
    flags[option.key] ?? environmentNamesOf(option).flatMap((name) => io.env[name] || [])[0];
  for (const option of OPTIONS) {
    // How this command itself logs is no wish for later ones.
    if (option.key === 'log_level' && context.switches['quiet'] === 'true') continue;
    const text = given(option);
    if (text !== undefined && (ASKED.includes(option.key) || flags[option.key] !== undefined)) {
      values.set(option.key, checked(option, text, io.cwd));
    }
  }
  if (prompter !== undefined) {
    for (const key of ASKED) {
      const option = OPTIONS.find((candidate) => candidate.key === key);
      if (option === undefined || values.has(key)) continue;
      if (key === 'password' && OTHER_PASSWORDS.some((each) => values.has(each) || present.has(each))) continue;
      if ((values.has('dsn') || present.has('dsn')) && key !== 'password') continue;
      values.set(key, await askFor(option, prompter, present.get(key), io));
    }
  }
  for (const [key, value] of present) if (!values.has(key)) values.set(key, value);
  const elsewhere = OTHER_PASSWORDS.some((key) => values.has(key));
  const missing = OPTIONS.filter(
    ({ key, required }) => required === true && !values.has(key) && !(elsewhere && key === 'password'),
  );
  if (missing.length > 0 && !values.has('dsn')) {
    const ways = missing.map((option) => {
      const flag = flagOf(option);
      return flag === undefined ? (environmentNamesOf(option).at(-1) ?? '') : `--${flag}`;
    });
    throw new ConnectorError(`Nobody can be asked here, so these must be given: ${ways.join(', ')}.`, {
      code: 'configuration_incomplete',
      kind: 'configuration',
      hint: TEMPLATE_HINT,
    });
  }
  return new Map([...values].sort(([a], [b]) => order(a) - order(b)));
}

async function askFor(
  option: OptionDeclaration,
  prompter: Prompter,
  present: string | undefined,
  io: CommandContext['io'],
): Promise<string> {
  const secret = option.secret === true;
  const choices = option.kind === 'enum' ? ` (${option.choices.join(', ')})` : '';
  const keep = secret && present !== undefined ? ' (empty: as it is)' : '';
  const question = `${option.label}${choices}${keep}`;
  for (;;) {
    const typed = secret
      ? await prompter.askSecret(question)
      : await prompter.ask(question, present ?? PRESETS[option.key]);
    const answer = secret && typed === '' && present !== undefined ? present : typed;
    const parsed = parseOption(option, answer, { name: 'your answer', directory: io.cwd });
    if ('value' in parsed && (answer !== '' || secret)) return answer;
    io.stdout.write(`${'problem' in parsed ? parsed.problem : `${option.label} must be given.`}\n`);
  }
}

function order(key: string): number {
  return OPTIONS.findIndex((option) => option.key === key);
}

function checked(option: OptionDeclaration, text: string, directory: string): string {
  const parsed = parseOption(option, text, { name: `--${flagOf(option) ?? option.key}`, directory });
  if ('problem' in parsed) {
    throw new ConnectorError(parsed.problem, { code: 'configuration_invalid', kind: 'configuration' });
  }
  // The user means a relative path from here, but it would be read from the file's folder.
  return option.kind === 'path' && typeof parsed.value === 'string' ? parsed.value : text;
}

async function test(context: CommandContext): Promise<number> {
  const { configurationPath: path, io, signal, output } = context;
  const { settings, warnings, secrets } = loadSettings({
    configurationPath: path,
    flags: {},
    env: io.env,
    cwd: io.cwd,
  });
  const redact = createRedactor([...secrets, ...dataSourceSecrets(settings)]);
  const findings = await runChecks(settings, { path, error: undefined, warnings }, signal, (finding) => {
    // Among what is in order, one line is news to a beginner: that the server answers.
    if (finding.status === 'ok' && finding.item !== 'login' && finding.item !== 'tables') return;
    // The password was just typed, so the output does not know it yet.
    output.print(renderFinding(finding, context).map(redact));
  });
  if (findings.some((finding) => finding.blocksConnection === true)) return EXIT.connection;
  return findings.some((finding) => finding.status === 'failure') ? EXIT.someTablesFailed : EXIT.ok;
}

/** Writes a file beside it and renames that: an interruption leaves the old file or the new one. */
function writePrivate(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const beside = `${path}.${process.pid}.tmp`;
    writeFileSync(beside, text, { mode: 0o600 });
    renameSync(beside, path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new ConnectorError(`${path} could not be written (${code}); check the rights on ${dirname(path)}.`, {
      code: 'configuration_not_written',
      kind: 'configuration',
      cause,
    });
  }
}

/** A data source without the password, for isql and other ODBC programs. */
function writeDataSource(context: CommandContext, path: string, values: ReadonlyMap<string, string>): void {
  if (existsSync(path) && context.switches['yes'] !== 'true') {
    throw new ConnectorError(`${path} exists already; repeat the command with --yes to replace it.`, {
      code: 'data_source_exists',
      kind: 'configuration',
    });
  }
  const name = values.get('database') ?? 'pgsluice';
  // psqlODBC reads these values to the end of the line, as they are.
  const lines = [
    `[${name}]`,
    'Description = written by pgsluice init',
    `Driver = ${driverLibrary(values.get('driver'))}`,
    `Servername = ${values.get('host') ?? ''}`,
    `Port = ${values.get('port') ?? ''}`,
    `Database = ${values.get('database') ?? ''}`,
    `Username = ${values.get('username') ?? ''}`,
    ...(values.has('sslmode') ? [`SSLmode = ${values.get('sslmode') ?? ''}`] : []),
  ];
  writePrivate(path, `${lines.join('\n')}\n`);
  context.output.print([
    `Wrote ${path}; try it:  ODBCINI=${path} isql -v ${name} ${values.get('username') ?? ''} PASSWORD`,
  ]);
}
