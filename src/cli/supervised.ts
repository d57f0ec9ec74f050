/**
 * A run of `sync --every`, seen from its process. A signal reaches it twice where it is sent to a whole group (Ctrl-C,
 * systemd): by itself, and told by the process that started it. It counts once; two of either kind are two.
 */
import { EventEmitter } from 'node:events';

/** Says to a process that it is a run of another one, whose messages it obeys. */
export const SUPERVISED = 'PGSLUICE_SUPERVISED';

export type StopSignal = 'SIGINT' | 'SIGTERM';

export interface StopMessage {
  readonly stop: StopSignal;
  /** How many signals the other process has got. */
  readonly count: number;
}

type Supervisable = Pick<NodeJS.Process, 'on' | 'send' | 'env' | 'channel'>;

export function isSupervised({ send, env }: Pick<Supervisable, 'send' | 'env'>): boolean {
  return send !== undefined && env[SUPERVISED] === '1';
}

/** In place of the process, for those who wait for signals. */
export function supervisedSignals(child: Supervisable): Pick<NodeJS.Process, 'on' | 'off'> {
  const emitter = new EventEmitter();
  let direct = 0;
  let told = 0;
  const tell = (name: StopSignal, change: () => void): void => {
    const before = Math.max(direct, told);
    change();
    if (Math.max(direct, told) > before) emitter.emit(name, name);
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) child.on(name, () => tell(name, () => (direct += 1)));
  child.on('message', (message) => {
    const { stop, count } = message as Partial<StopMessage>;
    if (stop !== undefined && count !== undefined) tell(stop, () => (told = count));
  });
  // The process that started it is gone, and would have no more of it.
  child.on('disconnect', () => {
    if (Math.max(direct, told) === 0) tell('SIGTERM', () => (told = 1));
  });
  // A listener would keep the process from ending.
  child.channel?.unref();
  return emitter as unknown as Pick<NodeJS.Process, 'on' | 'off'>;
}
