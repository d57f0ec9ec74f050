/**
 * Keys of rows, each once, as the texts that the log holds. A million keys of eight digits take some 30 MB; as strings in
 * a Set they would take four times as much.
 *
 * A key in `bytes` is the length of what follows, and of each of its columns a length (32 bits, big-endian) and the text.
 * `table` is a hash table with open addressing; it holds the offset of a key plus one, 0 where there is none.
 */
const FIRST_BYTES = 4_096;
const FIRST_SLOTS = 512;
/** Beyond this share, chains of taken slots become long. */
const MOST_FULL = 0.6;

export class KeySet {
  private bytes = Buffer.allocUnsafe(FIRST_BYTES);
  private used = 0;
  private table = new Int32Array(FIRST_SLOTS);
  private keys = 0;

  /** `columns`: how many a key has. */
  constructor(private readonly columns: number) {}

  get size(): number {
    return this.keys;
  }

  /** What it takes of memory. */
  get allocatedBytes(): number {
    return this.bytes.length + this.table.byteLength;
  }

  /** Adds a key; `places` are the offsets in `source` of each column's length, which its text follows. */
  add(source: Buffer, places: readonly number[]): void {
    const start = this.used;
    let end = start + 4;
    for (const place of places) end += 4 + source.readUInt32BE(place);
    if (end > this.bytes.length) this.grow(end);
    this.bytes.writeUInt32BE(end - start - 4, start);
    let target = start + 4;
    for (const place of places) {
      target += source.copy(this.bytes, target, place, place + 4 + source.readUInt32BE(place));
    }
    const slot = this.find(start, end);
    if (this.table[slot] !== 0) return;
    this.table[slot] = start + 1;
    this.used = end;
    this.keys += 1;
    if (this.keys > this.table.length * MOST_FULL) this.rehash();
  }

  /** No key is added any more: what finds equal ones is given back. */
  complete(): void {
    this.table = new Int32Array(0);
  }

  /** Texts by column, of at most so many keys at a time, in the order in which they came. */
  *chunks(keysAtOnce: () => number): Generator<readonly (readonly string[])[], void, void> {
    let place = 0;
    while (place < this.used) {
      const chunk = Array.from({ length: this.columns }, (): string[] => []);
      for (let left = Math.max(1, keysAtOnce()); left > 0 && place < this.used; left -= 1) {
        let column = place + 4;
        for (const texts of chunk) {
          const end = column + 4 + this.bytes.readUInt32BE(column);
          texts.push(this.bytes.toString('utf8', column + 4, end));
          column = end;
        }
        place = column;
      }
      yield chunk;
    }
  }

  /** The slot of the key in these bytes, or the free one where it belongs. */
  private find(start: number, end: number): number {
    const { bytes, table } = this;
    const mask = table.length - 1;
    // FNV-1a, 32 bits.
    let hash = 0x811c9dc5;
    for (let place = start; place < end; place += 1) hash = Math.imul(hash ^ (bytes[place] ?? 0), 0x01000193);
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (let known = table[slot] ?? 0; known !== 0; known = table[slot] ?? 0) {
      const length = 4 + bytes.readUInt32BE(known - 1);
      if (length === end - start && bytes.compare(bytes, known - 1, known - 1 + length, start, end) === 0) return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private grow(least: number): void {
    const larger = Buffer.allocUnsafe(Math.max(least, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.used);
    this.bytes = larger;
  }

  private rehash(): void {
    this.table = new Int32Array(this.table.length * 2);
    for (let place = 0; place < this.used;) {
      const end = place + 4 + this.bytes.readUInt32BE(place);
      this.table[this.find(place, end)] = place + 1;
      place = end;
    }
  }
}
