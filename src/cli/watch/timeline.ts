/** Who read what, when, on which connection: statements, joined to stretches. */
import type { StatementEvent } from '../../model/report';
import type { PageSpan } from './page-data';
import { round } from './series';

interface Span {
  readonly connection: number;
  fromMs: number;
  toMs: number;
}

/** Pauses shorter than this are the way from one statement to the next. */
const FIRST_GAP_MS = 100;
/** More stretches than this could not be told apart on any screen. */
const MOST_SPANS = 400;

/** The stretches of one table. */
export class Timeline {
  private spans: Span[] = [];
  private gapMs = FIRST_GAP_MS;

  add({ backendPid, startedMs, endedMs }: StatementEvent): void {
    const last = this.spans.findLast(({ connection }) => connection === backendPid);
    if (last !== undefined && startedMs - last.toMs <= this.gapMs) last.toMs = Math.max(last.toMs, endedMs);
    else this.spans.push({ connection: backendPid, fromMs: startedMs, toMs: endedMs });
    while (this.spans.length > MOST_SPANS) this.coarsen();
  }

  /** In seconds since `startMs`. */
  since(startMs: number): readonly PageSpan[] {
    return this.spans.map(({ connection, fromMs, toMs }) => ({
      connection,
      from: round((fromMs - startMs) / 1000),
      to: round((toMs - startMs) / 1000),
    }));
  }

  /** Milliseconds of [fromMs, toMs] in which no connection worked on the table, before its first statement and after. */
  waits(fromMs: number, toMs: number): { readonly before: number; readonly after: number } {
    const ordered = [...this.spans].sort((a, b) => a.fromMs - b.fromMs);
    const [first] = ordered;
    if (first === undefined) return { before: toMs - fromMs, after: 0 };
    let reached = first.fromMs;
    let after = 0;
    for (const span of ordered) {
      after += Math.max(0, span.fromMs - reached);
      reached = Math.max(reached, span.toMs);
    }
    return { before: Math.max(0, first.fromMs - fromMs), after: after + Math.max(0, toMs - reached) };
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
