/** Shows which connection read which table when: statements, joined into stretches. */
import type { StatementEvent } from '../model/report';
import type { PagePause, PageSpan } from './page-data';
import { round } from './series';

interface Span {
  readonly connection: number;
  fromMs: number;
  toMs: number;
}

interface Pause {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Waits {
  /** Before the first statement that reads: waiting for a connection, a snapshot, a place in the warehouse. */
  readonly begin: number;
  /** Between such statements and after the last. */
  readonly warehouse: number;
  /** Before another attempt. */
  readonly retry: number;
}

/** A shorter pause is the normal gap between two statements. */
const FIRST_GAP_MS = 100;
/** No screen could show more stretches than this apart. */
const MOST_SPANS = 400;
const MOST_PAUSES = 50;

/** The stretches of one table. */
export class Timeline {
  private spans: Span[] = [];
  private readonly pauses: Pause[] = [];
  private gapMs = FIRST_GAP_MS;

  add({ backendPid, startedMs, endedMs }: StatementEvent): void {
    const last = this.spans.findLast(({ connection }) => connection === backendPid);
    if (last !== undefined && startedMs - last.toMs <= this.gapMs) last.toMs = Math.max(last.toMs, endedMs);
    else this.spans.push({ connection: backendPid, fromMs: startedMs, toMs: endedMs });
    while (this.spans.length > MOST_SPANS) this.coarsen();
  }

  /** A pause before another attempt; attempts follow one another, so pauses do not overlap. */
  pause(fromMs: number, toMs: number): void {
    this.pauses.push({ fromMs, toMs });
    if (this.pauses.length > MOST_PAUSES) this.pauses.shift();
  }

  /** In seconds since `startMs`. It ends at `endMs` at the latest, because an interruption cuts a pause short. */
  pausesSince(startMs: number, endMs: number): readonly PagePause[] {
    return this.pauses.map(({ fromMs, toMs }) => ({
      from: round((fromMs - startMs) / 1000),
      to: round((Math.min(toMs, endMs) - startMs) / 1000),
    }));
  }

  /** In seconds since `startMs`. */
  since(startMs: number): readonly PageSpan[] {
    return this.spans.map(({ connection, fromMs, toMs }) => ({
      connection,
      from: round((fromMs - startMs) / 1000),
      to: round((toMs - startMs) / 1000),
    }));
  }

  /** Milliseconds of [fromMs, toMs] in which no connection read the table, by what the table waited for. */
  waits(fromMs: number, toMs: number): Waits {
    const ordered = [...this.spans].sort((a, b) => a.fromMs - b.fromMs);
    const firstMs = ordered[0]?.fromMs ?? toMs;
    let begin = 0;
    let warehouse = 0;
    let retry = 0;
    let reachedMs = fromMs;
    for (const span of [...ordered, { fromMs: toMs, toMs }]) {
      if (span.fromMs > reachedMs) {
        const paused = this.pausedWithin(reachedMs, span.fromMs);
        retry += paused;
        if (reachedMs < firstMs) begin += span.fromMs - reachedMs - paused;
        else warehouse += span.fromMs - reachedMs - paused;
      }
      reachedMs = Math.max(reachedMs, span.toMs);
    }
    return { begin, warehouse, retry };
  }

  private pausedWithin(fromMs: number, toMs: number): number {
    return this.pauses.reduce(
      (sum, pause) => sum + Math.max(0, Math.min(pause.toMs, toMs) - Math.max(pause.fromMs, fromMs)),
      0,
    );
  }

  private coarsen(): void {
    this.gapMs *= 2;
    const merged: Span[] = [];
    for (const span of this.spans) {
      const last = merged.findLast(({ connection }) => connection === span.connection);
      if (last !== undefined && span.fromMs - last.toMs <= this.gapMs) last.toMs = Math.max(last.toMs, span.toMs);
      else merged.push(span);
    }
    this.spans = merged;
  }
}
