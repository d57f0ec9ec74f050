import { resolve } from 'node:path';
import { checkCertificate, makeCertificate, readCertificate, writeCertificate } from '../../app/certificate';
import { runVerify, type VerifyContext } from '../../app/verify-run';
import { ConnectorError } from '../../common/errors';
import type { TableVerification, VerificationReport } from '../../model/verification';
import type { Command, CommandContext } from '../command';
import { EXIT, exitCodeOfVerification } from '../exit-codes';
import { printJson, wantsJson } from '../json-document';
import { renderVerification } from '../render-verification';

/** Compares source and warehouse, and changes neither. */
export const verify: Command = async (context) => {
  const { settings, output, signal, switches } = context;
  const onTable: VerifyContext['onTable'] = (table, done, total) =>
    output.logger.info(progressLine(table, done, total));
  const checked = switches['check'];
  const written = switches['certificate'];
  if (checked !== undefined && written !== undefined)
    throw usage('--check compares with a certificate, --certificate writes one: give one of them.');
  if (checked !== undefined) {
    const certificate = readCertificate(resolve(context.io.cwd, checked));
    return finish(context, await checkCertificate(settings, certificate, { signal, onTable }));
  }
  const show = parseShow(switches['show']);
  const sample = parseSample(switches['sample']);
  if (written !== undefined && sample < 1)
    throw usage('A sample certifies nothing: leave out --sample or --certificate.');
  const report = await runVerify(settings, { logger: output.logger, signal, show, sample, onTable });
  if (written !== undefined)
    writeCertificate(resolve(context.io.cwd, written), makeCertificate(report, settings, context.version, new Date()));
  return finish(context, report);
};

function finish(context: CommandContext, report: VerificationReport): number {
  if (wantsJson(context)) printJson(context, jsonDocument(report));
  else context.output.print(renderVerification(report, context.io.stdout.columns));
  return report.tables.length === 0 ? EXIT.ok : exitCodeOfVerification(report);
}

function progressLine(table: TableVerification, done: number, total: number): string {
  return `Compared table ${done}/${total}: ${table.key}, ${table.outcome} (${table.seconds.toFixed(2)} s)`;
}

function jsonDocument(report: VerificationReport): unknown {
  return {
    equal: report.tables.every((table) => table.outcome === 'equal'),
    seconds: report.seconds,
    tables: report.tables.map(({ error, ...table }) => ({
      ...table,
      proof: undefined,
      error: error?.describe() ?? null,
    })),
  };
}

function parseShow(text: string | undefined): number {
  if (text === undefined) return 0;
  const rows = /^\d+$/.test(text) ? Number(text) : NaN;
  if (rows <= MOST_SHOWN) return rows;
  throw usage(`--show must be a whole number from 0 to ${MOST_SHOWN}, not "${text}".`);
}

const MOST_SHOWN = 10_000;

/** `1%` or `0.01`. */
function parseSample(text: string | undefined): number {
  if (text === undefined) return 1;
  const [, digits = '', percent] = /^(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(text.trim()) ?? [];
  const share = digits === '' ? NaN : Number(digits) / (percent === '%' ? 100 : 1);
  if (share > 0 && share <= 1) return share;
  throw usage(`--sample must be a share such as 1% or 0.01, not "${text}".`);
}

function usage(message: string): ConnectorError {
  return new ConnectorError(message, { code: 'usage', kind: 'configuration' });
}
