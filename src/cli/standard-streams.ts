/**
 * Standard output and standard error, either of which may be lost at any time: its disk is full, its terminal has gone,
 * its reader has ended. A lost stream accepts writes and drops them, because each real write would raise the next
 * error, without end. A loss is reported once, on the other stream.
 */

/** The parts of process.stdout and process.stderr that are used. */
export interface LosableStream {
  write: NodeJS.WriteStream['write'];
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
}

export class StandardStreams {
  /** Aborts when standard output is lost. */
  readonly outputLost: AbortSignal;
  /** What the process does without its output, as a phrase; missing where the output is its only purpose. */
  goesOn: 'the sync' | 'the command' | undefined;
  /** Reports on standard output that standard error is lost; undefined where it may hold only a document. */
  tellOnOutput: ((sentence: string) => void) | undefined;

  private readonly outputGone = new AbortController();
  private readonly codes = new Map<LosableStream, string>();

  constructor(
    private readonly stdout: LosableStream,
    private readonly stderr: LosableStream,
  ) {
    this.outputLost = this.outputGone.signal;
    this.tellOnOutput = (sentence) => void stdout.write(`pgsluice: ${sentence}\n`);
    for (const stream of [stdout, stderr]) stream.on('error', ({ code }) => this.lose(stream, code ?? 'unknown error'));
  }

  /**
   * The exit code of a command whose output is its result: 1 where the output could not be written, although `code` is
   * 0.
   */
  exitCode(code: number, outputIsResult: boolean): number {
    const lost = this.codes.get(this.stdout);
    // A program that closes a pipe has read enough of it.
    return code === 0 && outputIsResult && lost !== undefined && lost !== READER_ENDED ? 1 : code;
  }

  /** Resolves when everything was passed on or lost, the report of a loss included. Never rejects. */
  async flushed(): Promise<void> {
    let lost: number;
    do {
      lost = this.codes.size;
      await Promise.all([this.stdout, this.stderr].map(flushed));
      // A stream emits its error after the callback of its write.
      await new Promise<void>((resolve) => setImmediate(resolve));
    } while (this.codes.size > lost);
  }

  private lose(stream: LosableStream, code: string): void {
    if (this.codes.has(stream)) return;
    this.codes.set(stream, code);
    stream.write = (...parameters: unknown[]): boolean => {
      const done = parameters.find((parameter) => typeof parameter === 'function');
      if (done !== undefined) process.nextTick(done);
      return true;
    };
    if (stream === this.stdout) {
      const sentence = this.outputSentence(code);
      if (sentence !== undefined) this.stderr.write(`pgsluice: ${sentence}\n`);
      this.outputGone.abort();
    } else {
      this.tellOnOutput?.(`Standard error cannot be written (${code}); what is said there is lost.`);
    }
  }

  private outputSentence(code: string): string | undefined {
    if (this.goesOn === undefined) {
      // `pgsluice plan | head`: nothing is wrong.
      return code === READER_ENDED ? undefined : `Standard output cannot be written (${code}).`;
    }
    const what = code === READER_ENDED ? 'Nobody reads standard output any more' : 'Standard output cannot be written';
    return `${what} (${code}); ${this.goesOn} goes on without it.`;
  }
}

const READER_ENDED = 'EPIPE';

function flushed(stream: LosableStream): Promise<void> {
  return new Promise((resolve) => void stream.write('', () => resolve()));
}
