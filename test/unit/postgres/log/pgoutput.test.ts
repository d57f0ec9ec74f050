import { CUT, decodeMessage, NULL, UNCHANGED, type LogMessage } from '../../../../src/postgres/log/pgoutput';

/** Bytes as the protocol's documentation writes them. */
const int = (bytes: number, value: number | bigint): Buffer => {
  const buffer = Buffer.alloc(bytes);
  if (bytes === 8) buffer.writeBigUInt64BE(BigInt(value));
  else buffer.writeUIntBE(Number(value), 0, bytes);
  return buffer;
};
const text = (value: string): Buffer => Buffer.from(`${value}\0`);
const value = (content: string): Buffer =>
  Buffer.concat([Buffer.from('t'), int(4, Buffer.byteLength(content)), Buffer.from(content)]);
const tuple = (...values: readonly (string | null | undefined)[]): Buffer =>
  Buffer.concat([
    int(2, values.length),
    ...values.map((each) => (each === null ? Buffer.from('n') : each === undefined ? Buffer.from('u') : value(each))),
  ]);
const message = (...parts: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));

const decode = (bytes: Buffer, end = bytes.length): LogMessage => decodeMessage(bytes, 0, end);

/** The texts of a decoded tuple. */
const texts = (bytes: Buffer, decoded: readonly number[] | undefined): (string | number)[] | undefined =>
  decoded?.map((place) =>
    place < 0 ? place : bytes.toString('utf8', place + 4, place + 4 + bytes.readUInt32BE(place)),
  );

it('Begin: where the transaction was committed, and its id', () => {
  const bytes = message('B', int(8, 0x16b374d848n), int(8, 777_000_000n), int(4, 4_000_000_000));
  expect(decode(bytes)).toEqual({ kind: 'begin', commit: 0x16b374d848n, xid: 4_000_000_000 });
});

it('Relation: the columns in their order, and which of them identify a row', () => {
  const column = (name: string, key: number): Buffer =>
    message(int(1, key), text(name), int(4, 23), int(4, 0xffffffff));
  const bytes = message(
    'R',
    int(4, 16_385),
    text('pübliç'),
    text('a "b"'),
    'd',
    int(2, 2),
    column('id', 1),
    column('näme', 0),
  );
  expect(decode(bytes)).toEqual({
    ...{ kind: 'relation', oid: 16_385 },
    columns: ['id', 'näme'],
    identifying: [true, false],
  });
});

it('Insert: the new row, NULLs and texts of several bytes a character included', () => {
  const bytes = message('I', int(4, 7), 'N', tuple('1', null, 'häß', ''));
  const decoded = decode(bytes);
  expect(decoded).toMatchObject({ kind: 'row', oid: 7, old: undefined });
  expect(decoded.kind === 'row' ? texts(bytes, decoded.now) : []).toEqual(['1', NULL, 'häß', '']);
});

it.each<[string, Buffer, unknown, unknown]>([
  ['that keeps the key', message('U', int(4, 7), 'N', tuple('1', undefined)), undefined, ['1', UNCHANGED]],
  ['of the key', message('U', int(4, 7), 'K', tuple('1', null), 'N', tuple('2', 'v')), ['1', NULL], ['2', 'v']],
  [
    'with the whole old row',
    message('U', int(4, 7), 'O', tuple('1', 'long'), 'N', tuple('1', undefined)),
    ['1', 'long'],
    ['1', UNCHANGED],
  ],
])('Update %s', (_, bytes, old, now) => {
  const decoded = decode(bytes);
  if (decoded.kind !== 'row') throw new Error(decoded.kind);
  expect([texts(bytes, decoded.old), texts(bytes, decoded.now)]).toEqual([old, now]);
});

it.each(['K', 'O'])('Delete with an old row of type %s', (kind) => {
  const bytes = message('D', int(4, 9), kind, tuple('12', null));
  const decoded = decode(bytes);
  if (decoded.kind !== 'row') throw new Error(decoded.kind);
  expect([decoded.oid, texts(bytes, decoded.old), decoded.now]).toEqual([9, ['12', NULL], undefined]);
});

it('Truncate: every relation', () => {
  expect(decode(message('T', int(4, 2), int(1, 1), int(4, 5), int(4, 6)))).toEqual({ kind: 'truncate', oids: [5, 6] });
});

it.each(['C', 'O', 'Y', 'M'])('messages of type %s change no row', (kind) => {
  expect(decode(message(kind, int(8, 1), int(8, 2)))).toEqual({ kind: 'other' });
});

it('a message that was cut anywhere is read up to the cut, and never beyond', () => {
  const bytes = message('U', int(4, 7), 'K', tuple('12345', null), 'N', tuple('678', 'value'), 'beyond'.repeat(20));
  const whole = message('U', int(4, 7), 'K', tuple('12345', null), 'N', tuple('678', 'value')).length;
  for (let end = 6; end <= whole; end += 1) {
    const decoded = decode(bytes, end);
    if (decoded.kind !== 'row') throw new Error(decoded.kind);
    for (const place of [...(decoded.old ?? []), ...(decoded.now ?? [])]) {
      if (place >= 0) expect(place + 4 + bytes.readUInt32BE(place)).toBeLessThanOrEqual(end);
      else expect([NULL, CUT]).toContain(place);
    }
    expect(decoded.now).toBeDefined();
  }
});

it.each<[string, Buffer]>([
  ['a type of message that version 1 does not have', message('S', int(4, 1))],
  ['a type of value that was not asked for', message('I', int(4, 1), 'N', int(2, 1), 'b', int(4, 0))],
  ['a type of old row that there is not', message('U', int(4, 1), 'X', tuple('1'))],
  ['nothing', Buffer.alloc(0)],
])('%s is refused', (_, bytes) => {
  expect(() => decode(bytes)).toThrow(/protocol version 1/);
});
