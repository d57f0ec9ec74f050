/**
 * The one queue through which everything is written, in order. `push` waits while the queue is full, so that a slow
 * destination slows the readers down; `run` waits for its own task.
 */
export interface QueueLimits {
  readonly rows: number;
  readonly bytes: number;
}

export class WriteQueue {
  private tail: Promise<unknown> = Promise.resolve();
  private queuedRows = 0;
  private queuedBytes = 0;
  private failure: Error | undefined;
  private readonly waiting: (() => void)[] = [];

  /** Accepts a task of so many rows and bytes; resolves when there is room for more, not when it is done. */
  async push(rows: number, bytes: number, limits: QueueLimits, task: () => Promise<void>): Promise<void> {
    while (
      this.failure === undefined &&
      this.queuedRows > 0 &&
      (this.queuedRows + rows > limits.rows || this.queuedBytes + bytes > limits.bytes)
    ) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    if (this.failure !== undefined) throw this.failure;
    this.queuedRows += rows;
    this.queuedBytes += bytes;
    // A failed task fails the queue or its table by itself; no caller waits for this promise.
    void this.run(task)
      .catch(() => undefined)
      .finally(() => {
        this.queuedRows -= rows;
        this.queuedBytes -= bytes;
        this.wake();
      });
  }

  /** Runs a task after all that were accepted before it. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.tail.then(async () => {
      if (this.failure !== undefined) throw this.failure;
      return await task();
    });
    this.tail = result.catch(() => undefined);
    return await result;
  }

  /** Refuses everything from now on. */
  fail(error: Error): void {
    this.failure ??= error;
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
