import { withReader, type QueryResult } from '../../app/read-warehouse';
import { ConnectorError, interrupted } from '../../common/errors';
import type { Command, CommandContext, CommandIo } from '../command';
import { parseDuration } from '../duration';
import { EXIT } from '../exit-codes';
import { wantsJson } from '../json-document';
import { csvLine, jsonRow, renderRows, type Row } from '../render-query';
import { formatInteger } from '../text-width';
import { once } from 'node:events';

/** All rows of a table are measured before the first is printed; the other forms have no end. */
const MOST_ROWS = 1_000;

/** Prints what one statement reads from the warehouse, and changes nothing. */
export const query: Command = async (context) => {
  const { settings, switches, signal } = context;
  if (wantsJson(context) && switches['csv'] === 'true') throw usage('--csv and --json contradict each other.');
  const sql = switches['sql'] ?? (await fromInput(context.io));
  await withReader(settings, readingOptions(context), async (reader) => {
    try {
      await printResult(context, await reader.query(sql));
    } catch (error) {
      throw signal.aborted ? interrupted('The query was interrupted.') : error;
    }
  });
  return EXIT.ok;
};

export function readingOptions({ switches, signal, output }: CommandContext): Parameters<typeof withReader>[1] {
  const wait = switches['wait'];
  return {
    waitSeconds: wait === undefined ? 0 : parseDuration('wait', wait),
    signal,
    onWaiting: (reason) => output.logger.warning(`${reason} Waiting for it to end.`),
  };
}

async function printResult(context: CommandContext, { columns, rows }: QueryResult): Promise<void> {
  const { io, output, switches } = context;
  if (wantsJson(context)) {
    let before = '[\n';
    for await (const row of rows) {
      if (!(await write(io, `${before}${jsonRow(columns, row)}`))) return;
      before = ',\n';
    }
    await write(io, before === '[\n' ? '[]\n' : '\n]\n');
  } else if (switches['csv'] === 'true') {
    await write(io, csvLine(columns.map(({ name }) => name)));
    for await (const row of rows) if (!(await write(io, csvLine(row)))) return;
  } else {
    const kept: Row[] = [];
    let more = false;
    for await (const row of rows) {
      more = kept.length === MOST_ROWS;
      if (more) break;
      kept.push(row);
    }
    const count = `${formatInteger(kept.length)} ${kept.length === 1 ? 'row' : 'rows'}`;
    const width = io.stdout.isTTY === true ? io.stdout.columns : undefined;
    output.print([
      ...renderRows(columns, kept, width),
      more ? `(the first ${count}; --csv and --json print all)` : `(${count})`,
    ]);
  }
}

/** False where nobody reads any more. */
async function write({ stdout, outputLost }: CommandIo, text: string): Promise<boolean> {
  if (outputLost?.aborted === true) return false;
  if (!stdout.write(text)) {
    const lost = outputLost === undefined ? [] : [once(outputLost, 'abort')];
    await Promise.race([once(stdout, 'drain'), ...lost]);
  }
  return true;
}

async function fromInput({ stdin }: CommandIo): Promise<string> {
  if (stdin.isTTY === true) throw usage('Give a statement in quotation marks, or on standard input.');
  let text = '';
  stdin.setEncoding('utf8');
  for await (const part of stdin) text += String(part);
  if (text.trim() === '') throw usage('Standard input holds no statement.');
  return text;
}

function usage(message: string): ConnectorError {
  return new ConnectorError(message, { code: 'usage', kind: 'configuration' });
}
