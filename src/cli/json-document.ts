import type { CommandContext } from './command';
import { createRedactor } from '../common/redact';

export function wantsJson(context: CommandContext): boolean {
  return context.switches['json'] === 'true';
}

/** Secrets are masked in every text before it is quoted, because JSON's escapes could hide one from the mask. */
export function printJson(context: Pick<CommandContext, 'io' | 'secrets'>, document: unknown, indent = 2): void {
  const redact = createRedactor(context.secrets);
  const text = JSON.stringify(
    document,
    (_key, value: unknown) => {
      if (typeof value === 'string') return redact(value);
      if (typeof value === 'bigint') return Number(value);
      // JSON has neither NaN nor Infinity.
      return typeof value === 'number' && !Number.isFinite(value) ? null : value;
    },
    indent,
  );
  context.io.stdout.write(`${text}\n`);
}
