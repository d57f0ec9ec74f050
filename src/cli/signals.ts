import { EXIT } from './exit-codes';
import { interrupted } from '../common/errors';

type SignalName = 'SIGINT' | 'SIGTERM';
const SIGNALS: readonly SignalName[] = ['SIGINT', 'SIGTERM'];

// A cancelled batch ends within milliseconds. Anything slower is stuck, and users wait five seconds at most.
const GRACE_MS = 4000;

/** What is stopped: a sync, a worker of a fleet, something that only looks, or a display that is left in this way. */
export type Stopped = 'sync' | 'worker' | 'look' | 'display';

const WORDS: Readonly<Record<Stopped, { readonly say: string | undefined; readonly after: string }>> = {
  sync: {
    say: 'stopping after the running batch; progress is kept.',
    after: '; the next sync goes on from the last checkpoint',
  },
  worker: { say: 'taking no more jobs; those that run may end.', after: '; its jobs go on elsewhere' },
  look: { say: 'stopping; nothing is lost.', after: '' },
  display: { say: undefined, after: '' },
};

export interface SignalOptions {
  readonly stops: Stopped;
  /** process, or a stand-in for tests. */
  readonly source: Pick<NodeJS.Process, 'on' | 'off'>;
  readonly say: (text: string) => void;
  /** Must end the process at once, even while a native call blocks. */
  readonly forceExit: (code: number) => void;
  readonly graceMs?: number;
}

export interface Interruption {
  /** Aborts at the first signal. */
  readonly signal: AbortSignal;
  /** 130 or 143 once a signal came. */
  exitCode(): number | undefined;
  dispose(): void;
}

/** The first signal ends the run in an orderly way; a second one, or the end of the grace time, ends the process. */
export function watchSignals(options: SignalOptions): Interruption {
  const controller = new AbortController();
  let exitCode: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const onSignal = (name: SignalName): void => {
    if (exitCode !== undefined) {
      options.forceExit(exitCode);
      return;
    }
    const code = EXIT[name];
    exitCode = code;
    const words = WORDS[options.stops];
    if (words.say !== undefined) options.say(`${name}: ${words.say} A second signal stops at once.`);
    timer = setTimeout(() => options.forceExit(code), options.graceMs ?? GRACE_MS);
    controller.abort(interrupted(`Interrupted by ${name}${words.after}.`));
  };
  for (const name of SIGNALS) options.source.on(name, onSignal);
  return {
    signal: controller.signal,
    exitCode: () => exitCode,
    dispose: () => {
      clearTimeout(timer);
      for (const name of SIGNALS) options.source.off(name, onSignal);
    },
  };
}
