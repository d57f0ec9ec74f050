import { counted } from '../../common/counted';
import type { Finding, FindingStatus } from '../../app/check/finding';
import { runChecks } from '../../app/check/run-checks';
import type { Command, CommandContext } from '../command';
import { EXIT } from '../exit-codes';
import { printJson, wantsJson } from '../json-document';
import { wantsColour } from '../terminal';
import { wrap } from '../render-records';

const MARKS: Readonly<Record<FindingStatus, { readonly text: string; readonly colour: string }>> = {
  ok: { text: 'ok     ', colour: '\u001b[32m' },
  warning: { text: 'warning', colour: '\u001b[33m' },
  failure: { text: 'FAILURE', colour: '\u001b[31m' },
};
const COLOUR_OFF = '\u001b[39m';
/** A schema of thousands of tables must not hide the rest; --json shows all. */
const LISTED_TABLES = 20;

/** Checks everything that a sync needs, and reports for each item whether it is in order. */
export const check: Command = async (context) => {
  const { settings, signal, configurationPath: path, configurationError: error } = context;
  const json = wantsJson(context);
  let tables = 0;
  const tell = (finding: Finding): void => {
    if (json) return;
    if (finding.item.startsWith('table ') && ++tables > LISTED_TABLES) return;
    context.output.print(renderFinding(finding, context));
  };
  const { configurationWarnings: warnings, passwordFrom } = context;
  const configuration = { path, error, warnings, passwordFrom };
  const findings = await runChecks(settings, configuration, signal, tell);
  const code = exitCodeOf(findings, error !== undefined);
  const count = (status: FindingStatus): number => findings.filter((finding) => finding.status === status).length;
  const verdict = `${counted(count('failure'), 'failure')}, ${counted(count('warning'), 'warning')}`;
  if (json) printJson(context, { exitCode: code, failures: count('failure'), warnings: count('warning'), findings });
  else {
    const hidden = tables - LISTED_TABLES;
    context.output.print([
      ...(hidden > 0 ? [`… and ${hidden} more about tables; --json shows them all`] : []),
      '',
      code === EXIT.ok ? `Ready to sync: ${verdict}` : `Not ready: ${verdict}`,
    ]);
  }
  return code;
};

function exitCodeOf(findings: readonly Finding[], configurationInvalid: boolean): number {
  if (configurationInvalid) return EXIT.usage;
  if (findings.some((finding) => finding.blocksConnection === true)) return EXIT.connection;
  return findings.some((finding) => finding.status === 'failure') ? EXIT.someTablesFailed : EXIT.ok;
}

export function renderFinding(finding: Finding, { io, settings }: CommandContext): readonly string[] {
  const { text, colour } = MARKS[finding.status];
  const coloured = io.stdout.isTTY === true && settings.logFormat === 'text' && wantsColour(io.env);
  const width = io.stdout.isTTY === true ? io.stdout.columns : undefined;
  const mark = coloured ? `${colour}${text}${COLOUR_OFF}` : text;
  const [first = '', ...rest] = wrap(
    `${finding.item}: ${finding.message}`,
    width === undefined ? undefined : width - 9,
  );
  return [
    `${mark}  ${first}`,
    ...rest.map((line) => `${' '.repeat(9)}${line}`),
    ...(finding.advice === undefined ? [] : wrap(finding.advice, width, 9)),
  ];
}
