/**
 * Keeps the keys that a load has sent so far, as packed text. At the end of a load under several snapshots, they show
 * which rows have gone meanwhile and must be deleted again.
 *
 * They are kept within a limit, because almost no load needs them. Beyond it, and for a load that began in an earlier
 * Update, the sent keys are unknown.
 */
import { packValues, PackedBatch, SEPARATOR, type PackedColumn } from '../model/packed-batch';

/** UTF-16 units of text: about two million whole numbers. */
const MOST_CHARACTERS = 16_000_000;
const ROWS_PER_BATCH = 5_000;

export class SentKeys {
  private sent: (readonly PackedColumn[])[] | undefined = [];
  private characters = 0;

  forget(): void {
    this.sent = undefined;
  }

  get known(): boolean {
    return this.sent !== undefined;
  }

  add(keys: readonly PackedColumn[]): void {
    if (this.sent === undefined) return;
    this.characters += keys.reduce((sum, column) => sum + column.text.length, 0);
    if (this.characters > MOST_CHARACTERS) this.sent = undefined;
    else this.sent.push(keys);
  }

  /** The keys that are not among `existing`, as batches of key columns. */
  *without(existing: ReadonlySet<string>): Generator<PackedBatch, void, void> {
    let gone = new Map<string, readonly (string | null)[]>();
    for (const columns of this.sent ?? []) {
      for (const row of keyRows(columns)) {
        if (!existing.has(keyText(row))) gone.set(keyText(row), row);
      }
      if (gone.size >= ROWS_PER_BATCH) {
        yield packRows([...gone.values()]);
        gone = new Map();
      }
    }
    if (gone.size > 0) yield packRows([...gone.values()]);
  }
}

/** The key of each row of a batch of key columns, as one text. */
export function keyTexts(columns: readonly PackedColumn[]): string[] {
  return keyRows(columns).map(keyText);
}

function keyRows(columns: readonly PackedColumn[]): (string | null)[][] {
  const values = columns.map((column) => column.values());
  return Array.from({ length: columns[0]?.rowCount ?? 0 }, (_, row) => values.map((column) => column[row] ?? null));
}

/** With their lengths, because a value may contain any character. */
function keyText(row: readonly (string | null)[]): string {
  const [only] = row;
  return row.length === 1 ? (only ?? '') : row.map((value) => `${value?.length}${SEPARATOR}${value}`).join('');
}

function packRows(rows: readonly (readonly (string | null)[])[]): PackedBatch {
  const columns = (rows[0] ?? []).map((_, column) => packValues(rows.map((row) => row[column] ?? null)));
  return new PackedBatch(rows.length, columns);
}
