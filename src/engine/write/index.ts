/**
 * Writes to the destination, one call at a time and in order, so that each commit holds exactly the rows that its state
 * says. The rooms passes and verify, and app, may come in. Start at writer.ts; write-transaction.ts commits,
 * commit-pacing.ts says when that is worth it, write-queue.ts how much may wait.
 */
export { Writer, type WriterOptions } from './writer';
