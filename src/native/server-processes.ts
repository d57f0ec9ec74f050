/** CPU time of the server's processes, where they run on this host. */
import { readFileSync } from 'node:fs';
import os from 'node:os';

/** The kernel tells user and system time in these (sysconf(_SC_CLK_TCK)); on every Linux that Node runs on it is 100. */
const TICKS_PER_SECOND = 100;

/** Whether processes of a server at that address are processes of this host; false where that is not known. */
export function isThisHost(host: string): boolean {
  const name = host.toLowerCase();
  if (name === 'localhost' || name === '::1' || name.startsWith('127.') || name.startsWith('/')) return true;
  const addresses = Object.values(os.networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []);
  return addresses.includes(name) || name === os.hostname().toLowerCase();
}

/**
 * Seconds of CPU time so far, by process id, of those among `pids` that are processes of a PostgreSQL server here. In
 * another container they have other ids, and a tunnel ends at a server elsewhere: those are left out.
 */
export function serverCpuSeconds(pids: Iterable<number>, root = '/proc'): ReadonlyMap<number, number> {
  const seconds = new Map<number, number>();
  for (const pid of pids) {
    const own = cpuSecondsOf(`${root}/${pid}/stat`);
    if (own !== undefined) seconds.set(pid, own);
  }
  return seconds;
}

/** man 5 proc: the fields behind the name, which stands in parentheses, begin with the third. */
function cpuSecondsOf(file: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
  const [, name, rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(text) ?? [];
  const fields = rest.split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return name === 'postgres' && Number.isFinite(ticks) ? ticks / TICKS_PER_SECOND : undefined;
}
