/** The libpq that the ODBC driver uses, found without connecting. */
import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { ConnectorError } from '../../common/errors';
import { describeDriver } from './odbc-setup';

export interface Libpq {
  readonly path: string;
  /** Major version of the PostgreSQL that it belongs to. */
  readonly version: number;
}

/** undefined where it cannot be found out: on a system other than Linux, or under another name than libpq's own. */
export function libpqOf(driver: string): Libpq | undefined {
  const { library } = describeDriver(driver);
  if (library === undefined || process.platform !== 'linux') return undefined;
  try {
    const needed = execFileSync('ldd', [library], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const linked = /\blibpq\.so\.5 => (\/\S+)/.exec(needed)?.[1];
    if (linked === undefined) return undefined;
    const path = realpathSync(linked);
    const version = versionIn(path);
    return version === undefined ? undefined : { path, version };
  } catch {
    return undefined;
  }
}

/** From the file's name, `libpq.so.5.15`: the last number is the major version since PostgreSQL 10. */
export function versionIn(path: string): number | undefined {
  const version = /\blibpq\.so\.5\.(\d+)$/.exec(path)?.[1];
  return version === undefined ? undefined : Number(version);
}

/** The first version for which `sslrootcert=system` is not the name of a file. */
const KNOWS_SYSTEM = 16;

/** What is wrong with `sslrootcert` for the driver's libpq; undefined where it is right, or the version is unknown. */
export function rootCertificateProblem(
  sslrootcert: string | undefined,
  libpq: () => Libpq | undefined,
): ConnectorError | undefined {
  if (sslrootcert !== 'system') return undefined;
  const found = libpq();
  if (found === undefined || found.version >= KNOWS_SYSTEM) return undefined;
  return new ConnectorError(
    `"sslrootcert" is "system", which needs libpq ${KNOWS_SYSTEM}; the ODBC driver uses libpq ${found.version} (${found.path}).`,
    {
      code: 'libpq_too_old',
      kind: 'configuration',
      hint: 'Name the file of the certificate authorities: /etc/ssl/certs/ca-certificates.crt on Debian, /etc/pki/tls/certs/ca-bundle.crt on RHEL.',
    },
  );
}
