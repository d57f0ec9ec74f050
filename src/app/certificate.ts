/** Writes what a comparison has proven into a file, and compares a warehouse with such a file, without the source. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConnectorError, interrupted } from '../common/errors';
import { makeFolder } from '../common/make-folder';
import type { Settings } from '../config/settings';
import { accessTo } from '../destinations/registry';
import type { ComparableWarehouse } from '../destinations/warehouse-access';
import { CERTIFICATE_FORMAT, type Certificate, type CertifiedTable } from '../model/certificate';
import type { Checksum } from '../model/checksum';
import type { TableVerification, VerificationReport } from '../model/verification';
import { monotonicClock } from '../postgres/connection';
import { Lifecycle } from './lifecycle';

/** `version`: of pgsluice. */
export function makeCertificate(
  { tables, source }: VerificationReport,
  { destinationSchema }: Pick<Settings, 'destinationSchema'>,
  version: string,
  at: Date,
): Certificate {
  const certified = tables.flatMap(({ key, destinationTable, outcome, proof }): CertifiedTable[] => {
    if (outcome !== 'equal' || proof === undefined) return [];
    const { columns, checksum, snapshotXmin, lastSyncedAt } = proof;
    return [
      {
        table: key,
        warehouse_table: destinationTable,
        columns,
        rows: checksum.rows,
        checksum: checksumText(checksum),
        snapshot_xmin: snapshotXmin,
        last_synced_at: lastSyncedAt,
      },
    ];
  });
  const proven = new Set(certified.map(({ table }) => table));
  return {
    format: CERTIFICATE_FORMAT,
    made_at: at.toISOString(),
    pgsluice: version,
    postgresql: source?.version ?? '',
    database: source?.database ?? '',
    source: source?.identity ?? '',
    schema: destinationSchema,
    tables: certified.sort((a, b) => (a.table < b.table ? -1 : 1)),
    not_certified: tables
      .filter(({ key }) => !proven.has(key))
      .map(({ key, outcome }) => ({ table: key, outcome }))
      .sort((a, b) => (a.table < b.table ? -1 : 1)),
  };
}

/** The file is there as a whole or not at all. */
export function writeCertificate(path: string, certificate: Certificate): void {
  const beside = `${path}.tmp`;
  try {
    makeFolder(dirname(path));
    writeFileSync(beside, `${JSON.stringify(certificate, null, 2)}\n`);
    renameSync(beside, path);
  } catch (cause) {
    throw new ConnectorError(`The certificate cannot be written to ${path}.`, {
      code: 'certificate_not_written',
      kind: 'configuration',
      hint: 'Name a file that this user may write.',
      cause,
    });
  }
}

export function readCertificate(path: string): Certificate {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw invalid(path, 'cannot be read', cause);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, 'is not JSON', cause);
  }
  if (!isCertificate(parsed)) throw invalid(path, 'is no certificate of this version of pgsluice');
  return parsed;
}

function isCertificate(value: unknown): value is Certificate {
  if (!isObject(value) || value['format'] !== CERTIFICATE_FORMAT || typeof value['schema'] !== 'string') return false;
  const tables: unknown = value['tables'];
  return Array.isArray(tables) && tables.every(isCertifiedTable);
}

function isCertifiedTable(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { table, warehouse_table: name, columns, rows, checksum } = value;
  return (
    [table, name, checksum].every((text) => typeof text === 'string') &&
    Number.isSafeInteger(rows) &&
    Array.isArray(columns) &&
    columns.every((column) => isObject(column) && typeof column['name'] === 'string' && isObject(column['type']))
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function invalid(path: string, what: string, cause?: unknown): ConnectorError {
  return new ConnectorError(`The certificate ${path} ${what}.`, {
    code: 'certificate_invalid',
    kind: 'configuration',
    hint: 'Name a file that `pgsluice verify --certificate FILE` has written.',
    cause,
  });
}

export interface CheckContext {
  readonly signal: AbortSignal;
  /** After each table. */
  readonly onTable?: (table: TableVerification, done: number, total: number) => void;
}

/** Compares the warehouse with a certificate, table by table; `sourceRows` are those of the certificate. */
export async function checkCertificate(
  settings: Settings,
  certificate: Certificate,
  { signal, onTable }: CheckContext,
): Promise<VerificationReport> {
  const started = monotonicClock();
  const lifecycle = new Lifecycle();
  try {
    const access = accessTo(settings);
    if ((await access.readContents(0)) === undefined)
      throw new ConnectorError('There is no warehouse to compare with the certificate.', {
        code: 'warehouse_missing',
        kind: 'destination',
        hint: 'Name another one with --warehouse.',
      });
    const warehouse = lifecycle.use(await access.openToCompare(), (it) => it.close());
    const interrupt = (): void => warehouse.interrupt();
    signal.addEventListener('abort', interrupt, { once: true });
    lifecycle.use(interrupt, (it) => signal.removeEventListener('abort', it));
    const tables: TableVerification[] = [];
    for (const certified of certificate.tables) {
      const result = await checkTable(warehouse, certificate.schema, certified).catch((error: unknown) => {
        throw signal.aborted ? interrupted('The comparison was interrupted.') : error;
      });
      tables.push(result);
      onTable?.(result, tables.length, certificate.tables.length);
    }
    return { tables, seconds: (monotonicClock() - started) / 1000 };
  } finally {
    await lifecycle.close();
  }
}

async function checkTable(
  warehouse: ComparableWarehouse,
  schema: string,
  { table, warehouse_table: name, columns, rows, checksum }: CertifiedTable,
): Promise<TableVerification> {
  const started = monotonicClock();
  const result = (parts: Pick<TableVerification, 'outcome' | 'warehouseRows' | 'problem'>): TableVerification => {
    const seconds = (monotonicClock() - started) / 1000;
    return { key: table, destinationTable: name, sample: 1, sourceRows: rows, seconds, ...parts };
  };
  const stored = await warehouse.table({ schema, name, columns, primaryKey: [] });
  if (stored === undefined)
    return result({
      outcome: 'different',
      warehouseRows: null,
      problem: `The warehouse lacks the table ${schema}.${name}.`,
    });
  const missing = stored.missingColumns;
  if (missing.length > 0)
    return result({
      outcome: 'different',
      warehouseRows: null,
      problem: `The warehouse lacks columns of the certificate: ${missing.join(', ')}.`,
    });
  const total = await stored.total();
  if (total.rows === rows && checksumText(total) === checksum) return result({ outcome: 'equal', warehouseRows: rows });
  const problem =
    total.rows === rows
      ? 'It has as many rows as the certificate says, with other values.'
      : 'It has other rows than the certificate says.';
  return result({ outcome: 'different', warehouseRows: total.rows, problem });
}

function checksumText({ high, low }: Checksum): string {
  return [high, low].map((half) => half.toString(16).padStart(16, '0')).join('');
}
