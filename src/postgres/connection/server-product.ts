/**
 * Recognizes other products that speak PostgreSQL's protocol. They lack what exact reading needs: snapshots to share,
 * transaction ids of rows, places of rows, or the catalog. Forks that have all of it (EDB, Aurora, AlloyDB, Citus,
 * TimescaleDB) count as PostgreSQL here.
 */
import { asConnectorError, ConnectorError } from '../../common/errors';

/** As version() names them; several of them claim to be PostgreSQL as well, so the order does not matter. */
const OTHERS: readonly (readonly [words: RegExp, name: string])[] = [
  [/\bCockroachDB\b/i, 'CockroachDB'],
  [/\bRedshift\b/i, 'Amazon Redshift'],
  [/\bQuestDB\b/i, 'QuestDB'],
  [/\bH2\b/, 'H2'],
  [/\bPGlite\b/i, 'PGlite'],
  [/\bGreenplum\b/i, 'Greenplum'],
  [/\bCloudberry\b/i, 'Apache Cloudberry'],
  [/-YB-/, 'YugabyteDB'],
  [/\bMaterialize\b/i, 'Materialize'],
  [/\bRisingWave\b/i, 'RisingWave'],
  [/\bCrateDB\b/i, 'CrateDB'],
  [/\bopenGauss\b|\bGaussDB\b/i, 'openGauss'],
  [/\bHologres\b/i, 'Hologres'],
  [/\bDuckDB\b/i, 'DuckDB'],
  [/\bVertica\b/i, 'Vertica'],
  [/\bSpanner\b/i, 'Cloud Spanner'],
];

/** The name of the product; undefined for PostgreSQL. */
export function otherProduct(version: string): string | undefined {
  const known = OTHERS.find(([words]) => words.test(version))?.[1];
  if (known !== undefined) return known;
  return /^(?:PostgreSQL|EnterpriseDB) \d/.test(version)
    ? undefined
    : (/^[^\d(,]{1,40}/.exec(version)?.[0].trim() ?? '');
}

export function refuseOtherProduct(version: string): void {
  const name = otherProduct(version);
  if (name === undefined) return;
  const what = name === '' ? 'something other than PostgreSQL' : `${name}, not PostgreSQL`;
  throw notPostgres(`The server is ${what}, and only PostgreSQL can be read exactly. It says: ${shortened(version)}.`);
}

/**
 * The error to report where the first statement was refused: the product's name where the server is no PostgreSQL, or
 * else the refusal itself.
 */
export async function explainRefusal(refusal: unknown, askVersion: () => Promise<string>): Promise<unknown> {
  const error = asConnectorError(refusal);
  // PostgreSQL never refuses these statements for an unknown word or function, whatever else may happen to them.
  if (error.kind !== 'source' || !/^(?:42|0A|22|XX|HY)/.test(error.sqlState ?? 'HY')) return refusal;
  try {
    refuseOtherProduct(await askVersion());
  } catch (thrown) {
    const found = asConnectorError(thrown);
    if (found.code === 'not_postgresql') return found;
    if (found.kind !== 'source') return refusal;
    return notPostgres(`The server speaks PostgreSQL's protocol and is not PostgreSQL: ${error.message}`);
  }
  return refusal;
}

function notPostgres(message: string): ConnectorError {
  return new ConnectorError(message, {
    code: 'not_postgresql',
    kind: 'configuration',
    hint: 'Set "host" and "port" to those of a PostgreSQL server.',
  });
}

function shortened(version: string): string {
  const line = version.replace(/\s+/g, ' ').trim();
  return line.length <= 120 ? line.replace(/\.$/, '') : `${line.slice(0, 120)}…`;
}
