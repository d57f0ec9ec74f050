/** Runs syncs under faults; each of them must end by itself. */
import { setTimeout as delay } from 'node:timers/promises';
import { MODULES_MAIN, runCli, startCli, type CliResult, type RunningCli } from './cli';
import { expectPresentable } from './fault-report';

/** Far longer than the busiest machine needs for the small database: what takes longer would hang for ever. */
const LONGEST_SECONDS = 600;

export async function endInTime(run: RunningCli): Promise<CliResult> {
  const timer = new AbortController();
  const late = delay(LONGEST_SECONDS * 1000, undefined, { signal: timer.signal, ref: false }).then(
    () => 'late' as const,
    () => 'late' as const,
  );
  const result = await Promise.race([run.ended, late]);
  if (result === 'late') {
    const said = run.output();
    run.kill('SIGKILL');
    throw new Error(`The sync did not end within ${LONGEST_SECONDS} s:\n${said.slice(-3000)}`);
  }
  timer.abort();
  return result;
}

/** Starts the sync again until it ends well; each failure must be presentable. */
export async function syncUntilDone(
  configuration: string,
  secrets: readonly string[],
  more: readonly string[] = [],
): Promise<CliResult> {
  const said: string[] = [];
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const result = await endInTime(startCli(['sync', '--configuration', configuration, ...more]));
    expectPresentable(result, secrets);
    if (result.code === 0) return result;
    said.push(`exit ${String(result.code)}: ${(result.stdout + result.stderr).slice(-1500)}`);
    await delay(200);
  }
  throw new Error(`The sync did not end well in five attempts:\n${said.join('\n---\n')}`);
}

/** A sync that ends by SIGKILL at a named call (test/faults/kill-at.js), or well where the call is never made. */
export async function syncKilledAt(
  configuration: string,
  point: string,
  more: readonly string[] = ['--reconcile'],
): Promise<CliResult> {
  return await runCli(['sync', '--configuration', configuration, ...more], {
    main: MODULES_MAIN,
    nodeArguments: ['--require', require.resolve('../faults/kill-at.js')],
    env: { TEST_KILL_AT: point },
  });
}
