/**
 * Batches as a table function of DuckDB, `_pgsluice_rows('4;17')`: it has the rows of the batches that a statement is run
 * with, as columns c0, c1, … of the types in its signature. The addon has made DuckDB's vectors of the packed text before,
 * and hands them to DuckDB's own threads, so a call copies memory only. DuckDB's own string_split, unnest and casts took
 * 0.4 s more CPU time for 1,000,000 rows of 11 columns, and 400 MB more memory for 50,000 rows of 200 columns.
 */
import type { DuckDBConnection, DuckDBDataChunk, DuckDBType } from '@duckdb/node-api';
import { ConnectorError } from '../../../common/errors';
import type { Logger } from '../../../common/logger';
import {
  DECODED_FIELDS,
  mostDecodedBytes,
  PLACE_FIELDS,
  VECTOR_KINDS,
  type ColumnDecoder,
  type DecodedPart,
  type RowSource,
  type VectorKind,
  type VectorRequest,
} from '../../../model/column-decoding';
import type { BinaryKind } from '../../../model/binary-values';
import type { PackedBatch } from '../../../model/packed-batch';
import { duckdb, duckdbBindings } from '../library';
import { decimalShape, literal } from '../types';

/** Room for vectors, taken from its beginning on. */
export interface Arena {
  readonly buffer: ArrayBuffer;
  used: number;
}

/** Valid until their place in the arena is taken again. */
export interface DecodedRows extends DecodedPart {
  /**
   * Types of the vectors: those asked for, or VARCHAR where a column has an unusual value, or may hold invalid JSON.
   */
  readonly types: readonly string[];
}

/** A column that has the same value in every row, as DuckDB keeps it. */
export interface ConstantColumn {
  readonly type: string;
  values(rows: number): ArrayBuffer;
}

/** SQL for rows of these types, in a FROM; their columns are c0, c1, … */
export function sourceOfRows({ signature }: Pick<DecodedRows, 'signature'>): string {
  return `${FUNCTION_NAME}(${literal(signature)})`;
}

/** The most bytes that the batch's vectors take. */
export function mostBytesOf({ rowCount, columns }: PackedBatch): number {
  return columns.reduce((sum, { text }) => sum + mostDecodedBytes(rowCount, text.length), 0);
}

const FUNCTION_NAME = '_pgsluice_rows';
/** Room for usual batches is kept; the room that a very large one took is given back. */
export const KEPT_ARENA_BYTES = 32 * 1024 * 1024;
/** Usually no more tables than these are loaded at once. */
const KEPT_ARENAS = 4;

export class RowVectors {
  /** Bytes of arenas that were taken and not given back. */
  private takenBytes = 0;
  /** Kept for the next rows: fresh memory costs a page fault for every four kilobytes. */
  private readonly arenas: ArrayBuffer[] = [];
  /** Keeps the arenas from being collected while DuckDB reads from them. */
  private inUse: readonly DecodedRows[] = [];

  /** `heldBytes`: of all arenas; one whose rows wait is always granted. */
  private constructor(
    private readonly decoder: ColumnDecoder,
    private readonly source: RowSource,
    private readonly heldBytes: number,
  ) {}

  /**
   * Must be called outside of any transaction. Returns undefined, with a warning, where the addon does not know this
   * build of DuckDB.
   */
  static register(
    connection: DuckDBConnection,
    decoder: ColumnDecoder,
    heldBytes = 0,
    logger?: Pick<Logger, 'warning'>,
  ): RowVectors | undefined {
    try {
      return new RowVectors(decoder, decoder.registerRows(connection['connection'], FUNCTION_NAME), heldBytes);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      logger?.warning(`Batches are taken apart by DuckDB, which takes longer: ${reason} Install pgsluice anew.`);
      return undefined;
    }
  }

  /** Whether rows may wait in one arena more. */
  holdsMore(bytes: number): boolean {
    return this.takenBytes + bytes <= this.heldBytes;
  }

  /** Takes an arena of `bytes` or more. */
  takeArena(bytes: number): Arena {
    const kept = this.arenas.findIndex(({ byteLength }) => byteLength >= bytes);
    const [buffer = new ArrayBuffer(roomy(bytes))] = kept === -1 ? [] : this.arenas.splice(kept, 1);
    this.takenBytes += buffer.byteLength;
    return { buffer, used: 0 };
  }

  /** Gives an arena back when nothing in it is needed any more. */
  giveBack({ buffer }: Arena): void {
    this.takenBytes -= buffer.byteLength;
    if (buffer.byteLength > KEPT_ARENA_BYTES) return;
    this.arenas.push(buffer);
    if (this.arenas.length > KEPT_ARENAS) this.arenas.shift();
  }

  /**
   * `types` are those of the warehouse's columns; a type that needs DuckDB's own cast becomes text. The arena has room
   * for `mostBytesOf(batch)`. Returns undefined where a column of digits (model/binary-values) does not fit its type.
   */
  async decode(batch: PackedBatch, types: readonly string[], arena: Arena): Promise<DecodedRows | undefined> {
    const forms = batch.columns.map((_, index) => formOf(types[index] ?? 'VARCHAR'));
    const requests = batch.columns.map((column, index): VectorRequest => {
      const shape = decimalShape(types[index] ?? 'VARCHAR');
      return {
        kind: VECTOR_KINDS.indexOf(forms[index]?.kind ?? 'text'),
        precision: shape?.precision ?? 0,
        scale: shape?.scale ?? 0,
        nullable: column.nullable,
        digits: column.binaryKind !== undefined,
        escaped: column.encoding === 'escaped',
        ascii: column.known.ascii === true,
        text: column.text,
      };
    });
    const { buffer, used } = arena;
    const places = await this.decoder.decode(batch.rowCount, requests, buffer, used).catch((cause: unknown) => {
      throw new ConnectorError('A batch has not as many values in each column as it has rows.', {
        code: 'batch_shape',
        kind: 'internal',
        cause,
      });
    });
    if (forms.some((_, index) => places[index * DECODED_FIELDS] === -1)) return undefined;
    arena.used = places[forms.length * DECODED_FIELDS] ?? buffer.byteLength;
    const isDecoded = (index: number): boolean => places[index * DECODED_FIELDS] === 1;
    // This marks a vector of texts as decoded, because DuckDB would parse it again otherwise.
    const isJson = (index: number): boolean => types[index] === 'JSON' && batch.columns[index]?.known.json === true;
    const stored = forms.map((_, index) =>
      isDecoded(index) || isJson(index) ? (types[index] ?? 'VARCHAR') : 'VARCHAR',
    );
    const layout = new Float64Array(forms.length * PLACE_FIELDS);
    for (const [index, form] of forms.entries()) {
      const [, values = 0, validity = -1] = places.subarray(index * DECODED_FIELDS, (index + 1) * DECODED_FIELDS);
      layout.set([(isDecoded(index) ? form : TEXT).width, values, validity], index * PLACE_FIELDS);
    }
    const { rowCount } = batch;
    return { rowCount, arena: buffer, types: stored, signature: stored.map(codeOf).join(';'), places: layout };
  }

  /** Runs a statement that reads from `sourceOfRows`; all parts have the same types. */
  async runWith<T>(parts: readonly DecodedRows[], run: () => Promise<T>): Promise<T> {
    this.inUse = parts;
    try {
      this.source.use(this.inUse);
      return await run();
    } finally {
      this.source.use([]);
      this.inUse = [];
    }
  }

  /** The rows as a chunk of their own, at most VECTOR_ROWS; it points into the arena. */
  chunkOf(part: DecodedRows, constants: readonly ConstantColumn[]): DuckDBDataChunk {
    const { rowCount, types } = part;
    const api = duckdb();
    const all = [...types, ...constants.map(({ type }) => type)].map((type) => formOf(type).type(api));
    const chunk = api.DuckDBDataChunk.create(all, rowCount);
    this.decoder.fillChunk(chunk.chunk, part);
    const native = duckdbBindings();
    for (const [index, constant] of constants.entries()) {
      const bytes = constant.values(rowCount);
      const vector = native.data_chunk_get_vector(chunk.chunk, types.length + index);
      native.copy_data_to_vector(vector, 0, bytes, 0, bytes.byteLength);
    }
    return chunk;
  }
}

/** Makes room in steps for batches that grow little by little: memory that is not written to costs nothing. */
function roomy(bytes: number): number {
  return bytes > KEPT_ARENA_BYTES ? bytes : Math.min(2 ** Math.ceil(Math.log2(bytes)), KEPT_ARENA_BYTES);
}

/** The form in which DuckDB keeps the values of a type. */
interface Form {
  readonly kind: VectorKind;
  /** Bytes of a value in a vector. */
  readonly width: number;
  readonly type: (api: typeof import('@duckdb/node-api')) => DuckDBType;
}

const TEXT: Form = { kind: 'text', width: 16, type: (api) => api.VARCHAR };

const FORMS: Readonly<Record<string, Form>> = {
  BOOLEAN: { kind: 'boolean', width: 1, type: (api) => api.BOOLEAN },
  SMALLINT: { kind: 'int16', width: 2, type: (api) => api.SMALLINT },
  INTEGER: { kind: 'int32', width: 4, type: (api) => api.INTEGER },
  BIGINT: { kind: 'int64', width: 8, type: (api) => api.BIGINT },
  FLOAT: { kind: 'float32', width: 4, type: (api) => api.FLOAT },
  DOUBLE: { kind: 'float64', width: 8, type: (api) => api.DOUBLE },
  DATE: { kind: 'date', width: 4, type: (api) => api.DATE },
  TIMESTAMP: { kind: 'timestamp', width: 8, type: (api) => api.TIMESTAMP },
  'TIMESTAMP WITH TIME ZONE': { kind: 'timestamptz', width: 8, type: (api) => api.TIMESTAMPTZ },
  JSON: { kind: 'text', width: 16, type: (api) => api.DuckDBVarCharType.create('JSON') },
  BLOB: { kind: 'blob', width: 16, type: (api) => api.BLOB },
};

/** Whether digits of that kind can become a column of DuckDB's type. */
export function holdsBinary(type: string, kind: BinaryKind): boolean {
  return formOf(type).kind === kind;
}

/** The type in a signature. */
function codeOf(type: string): string {
  const shape = decimalShape(type);
  const { typeId, alias } = formOf(type).type(duckdb());
  if (shape !== undefined) return `${typeId}:${shape.precision}:${shape.scale}`;
  return alias === undefined ? String(typeId) : `${typeId}:${alias}`;
}

function formOf(type: string): Form {
  const shape = decimalShape(type);
  if (shape === undefined) return FORMS[type] ?? TEXT;
  return { ...decimalForm(shape.precision), type: (api) => api.DECIMAL(shape.precision, shape.scale) };
}

/** By the digits that always fit into 16, 32 and 64 bits: https://duckdb.org/docs/stable/sql/data_types/numeric */
function decimalForm(precision: number): Pick<Form, 'kind' | 'width'> {
  if (precision <= 4) return { kind: 'decimal16', width: 2 };
  if (precision <= 9) return { kind: 'decimal32', width: 4 };
  return precision <= 18 ? { kind: 'decimal64', width: 8 } : { kind: 'decimal128', width: 16 };
}
