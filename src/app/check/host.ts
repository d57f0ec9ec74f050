/** Checks what must be in place on this machine before a connection is made. */
import { counted } from '../../common/counted';
import { statSync } from 'node:fs';
import { asConnectorError, type ConnectorError } from '../../common/errors';
import type { Settings } from '../../config/settings';
import { diskOf } from '../../destinations/place';
import { createProcessStats } from '../../native/process-stats';
import {
  libpqOf,
  rootCertificateProblem,
  chooseDriver,
  loadOdbc,
  describeDriver,
  describeDriverManager,
} from '../../postgres/connection';
import { loadTransformationModule } from '../../engine/rules';
import { failure, noConnection, ok, warning, type Finding } from './finding';

const OLDEST_NODE = 20;

export function checkNode(): readonly Finding[] {
  const version = process.versions.node;
  const message = `Node.js ${version} (${process.platform} ${process.arch})`;
  return [
    Number(version.split('.')[0]) >= OLDEST_NODE
      ? ok('node', message)
      : failure('node', `${message} is too old.`, `Install Node.js ${OLDEST_NODE} or newer.`),
  ];
}

export function checkAddon(settings: Settings): readonly Finding[] {
  const stats = createProcessStats(diskOf(settings));
  if (!stats.degraded) return [ok('addon', 'The native addon is in use.')];
  return [
    warning('addon', 'Running degraded: memory and CPU are read less exactly.', stats.degradedReason ?? 'Rebuild it.'),
  ];
}

export function checkOdbc(settings: Settings): readonly Finding[] {
  const findings: Finding[] = [];
  const { version, files } = describeDriverManager();
  const inis = files.filter(({ purpose }) => purpose === 'drivers' || purpose.endsWith('data sources'));
  const list = inis.filter(({ path }) => path.endsWith('.ini')).map(({ path }) => path);
  findings.push(
    version === undefined
      ? warning(
          'unixodbc',
          'odbcinst cannot be run, so the files in force are not known.',
          'Install unixODBC (Debian: apt-get install unixodbc; RHEL: dnf install unixODBC; macOS: brew install unixodbc).',
        )
      : ok('unixodbc', `unixODBC ${version}; in force: ${list.join(', ')}`),
  );
  try {
    loadOdbc();
  } catch (error) {
    return [...findings, fromError('odbc', error)];
  }
  if (settings.dsn !== undefined) return [...findings, ok('driver', `Named by the data source ${settings.dsn}.`)];
  return [...findings, ...checkDriver(settings)];
}

function checkDriver(settings: Settings): readonly Finding[] {
  let name: string;
  try {
    name = chooseDriver(settings.driver);
  } catch (error) {
    return [fromError('driver', error)];
  }
  const driver = describeDriver(name);
  const library = driver.library === undefined ? '' : `, ${driver.library}`;
  const version = driver.version === undefined ? '' : ` ${driver.version}`;
  if (driver.present === false) {
    return [
      noConnection(
        'driver',
        `The driver "${name}" is registered, but its library ${driver.library ?? ''} does not exist.`,
        'Install psqlODBC (Debian: apt-get install odbc-postgresql; RHEL: dnf install postgresql-odbc; macOS: brew install psqlodbc), or correct the path in odbcinst.ini.',
      ),
    ];
  }
  if (driver.architecture !== undefined && driver.architecture !== process.arch) {
    return [
      noConnection(
        'driver',
        `The driver "${name}"${library} is built for ${driver.architecture}, but Node.js runs as ${process.arch}.`,
        'Install the driver for the architecture of Node.js, or the other Node.js.',
      ),
    ];
  }
  const findings = [ok('driver', `psqlODBC${version}, "${name}"${library}`)];
  if (driver.writesLogs) {
    findings.push(
      warning(
        'driver log',
        `The driver "${name}" is registered with CommLog or Debug on, so every process leaves a psqlodbc_*.log in /tmp.`,
        'Set CommLog=0 and Debug=0 in its section of odbcinst.ini.',
      ),
    );
  }
  const problem = rootCertificateProblem(settings.sslrootcert, () => libpqOf(name));
  if (problem !== undefined) findings.push(fromError('certificates', problem));
  return findings;
}

export interface ConfigurationOnDisk {
  readonly path: string;
  readonly error: ConnectorError | undefined;
  readonly warnings: readonly string[];
  /** Where the password comes from, for people. */
  readonly passwordFrom?: string | undefined;
}

export function checkConfiguration(configuration: ConfigurationOnDisk): readonly Finding[] {
  const { path, error, warnings, passwordFrom } = configuration;
  if (error !== undefined) return error.message.split('\n').map((line) => failure('configuration', line));
  const findings = warnings.map((line) =>
    warning(
      'configuration',
      line,
      line.includes('is unknown and ignored') ? 'Correct the name.' : 'Leave it so only where it is meant so.',
    ),
  );
  if (passwordFrom !== undefined) findings.push(ok('password source', passwordFrom));
  const mode = modeOf(path);
  if (mode === undefined) return [...findings, ok('configuration', 'From flags and environment only.')];
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    return [
      ...findings,
      warning('configuration', `${path} may be read by other users of this machine.`, `Run: chmod 600 '${path}'`),
    ];
  }
  return [...findings, ok('configuration', path)];
}

export async function checkTransformations(settings: Settings): Promise<readonly Finding[]> {
  if (settings.transformations === undefined) return [];
  try {
    const { transformations = [] } = await loadTransformationModule(settings.transformations);
    return [ok('transformations', `${settings.transformations} (${counted(transformations.length, 'rule')})`)];
  } catch (error) {
    const { message, hint } = asConnectorError(error);
    return [failure('transformations', message, hint)];
  }
}

function modeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mode;
}

function fromError(item: string, error: unknown): Finding {
  const { message, hint } = asConnectorError(error);
  return noConnection(item, message, hint);
}
