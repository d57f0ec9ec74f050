/**
 * Batches as a table function of DuckDB: `_pgsluice_rows('INTEGER;VARCHAR')` has the rows of the batch that a
 * statement is run with, as columns c0, c1, … of these types. The addon has made DuckDB's vectors of the packed text
 * before, so a call copies memory only. With string_split, unnest and casts of DuckDB's own instead, 1,000,000 rows of 11
 * columns took 0.4 s more CPU time, and 50,000 rows of 200 columns 400 MB more memory.
 */
import type { DuckDBConnection, DuckDBDataChunk, DuckDBType } from '@duckdb/node-api';
import { ConnectorError } from '../common/errors';
import {
  DECODED_FIELDS,
  mostDecodedBytes,
  VECTOR_KINDS,
  type DecodeColumns,
  type VectorKind,
  type VectorRequest,
} from '../model/column-decoding';
import type { PackedBatch } from '../model/packed-batch';
import { duckdb, duckdbBindings, VECTOR_ROWS } from './duckdb-library';
import { decimalShape, literal } from './duckdb-types';

/** Valid until the next batch is decoded. */
export interface DecodedRows {
  readonly rowCount: number;
  /** Of the vectors: the types asked for, or VARCHAR where a column has an unusual value. */
  readonly types: readonly string[];
  readonly vectors: readonly RowVector[];
}

interface RowVector {
  readonly width: number;
  /** Offsets in the arena; `validity` undefined where no value is NULL. */
  readonly values: number;
  readonly validity: number | undefined;
}

/** SQL for the rows, in a FROM; their columns are c0, c1, … */
export function sourceOfRows(rows: DecodedRows): string {
  return `${FUNCTION_NAME}(${literal(rows.types.join(';'))})`;
}

const FUNCTION_NAME = '_pgsluice_rows';
/** Room for usual batches is kept; what a very large one took is given back. */
const KEPT_ARENA_BYTES = 32 * 1024 * 1024;

export class RowVectors {
  /** Kept from batch to batch: fresh memory costs a page fault for every four kilobytes. */
  private arena = new ArrayBuffer(0);
  private current: DecodedRows | undefined;
  private nextRow = 0;

  private constructor(private readonly decodeColumns: DecodeColumns) {}

  /** Outside of any transaction. */
  static register(connection: DuckDBConnection, decodeColumns: DecodeColumns): RowVectors {
    const { DuckDBTableFunction, VARCHAR } = duckdb();
    const vectors = new RowVectors(decodeColumns);
    const rows = DuckDBTableFunction.create({
      name: FUNCTION_NAME,
      parameterTypes: [VARCHAR],
      bindFunction: (info) => {
        const types = String(info.getParameter(0));
        for (const [index, type] of types.split(';').entries())
          info.addResultColumn(`c${index}`, formOf(type).type(duckdb()));
        info.setBindData({ types });
      },
      initFunction: (info) => {
        vectors.nextRow = 0;
        info.setMaxThreads(1);
      },
      mainFunction: (info, chunk) => vectors.fill(chunk, (info.bindData as { types: string }).types),
    });
    connection.registerTableFunction(rows);
    return vectors;
  }

  /** `types`: of the warehouse's columns; those that need DuckDB's own cast become text. */
  async decode(batch: PackedBatch, types: readonly string[]): Promise<DecodedRows> {
    const forms = batch.columns.map((_, index) => formOf(types[index] ?? 'VARCHAR'));
    const requests = batch.columns.map((column, index): VectorRequest => {
      const shape = decimalShape(types[index] ?? 'VARCHAR');
      return {
        kind: VECTOR_KINDS.indexOf(forms[index]?.kind ?? 'text'),
        precision: shape?.precision ?? 0,
        scale: shape?.scale ?? 0,
        nullable: column.nullable,
        escaped: column.encoding === 'escaped',
        text: column.text,
      };
    });
    const most = requests.reduce((sum, { text }) => sum + mostDecodedBytes(batch.rowCount, text.length), 0);
    if (this.arena.byteLength < most) this.arena = new ArrayBuffer(roomy(most));
    const places = await this.decodeColumns(batch.rowCount, requests, this.arena).catch((cause: unknown) => {
      throw new ConnectorError('A batch has not as many values in each column as it has rows.', {
        code: 'batch_shape',
        kind: 'internal',
        cause,
      });
    });
    const isDecoded = (index: number): boolean => places[index * DECODED_FIELDS] === 1;
    return {
      rowCount: batch.rowCount,
      types: forms.map((_, index) => (isDecoded(index) ? (types[index] ?? 'VARCHAR') : 'VARCHAR')),
      vectors: forms.map((form, index) => {
        const [, values = 0, validity = -1] = places.subarray(index * DECODED_FIELDS, (index + 1) * DECODED_FIELDS);
        const { width } = isDecoded(index) ? form : TEXT;
        return { width, values, validity: validity < 0 ? undefined : validity };
      }),
    };
  }

  /** Runs a statement that reads from `sourceOfRows`. */
  async runWith<T>(rows: DecodedRows, run: () => Promise<T>): Promise<T> {
    this.current = rows;
    try {
      return await run();
    } finally {
      this.current = undefined;
      if (this.arena.byteLength > KEPT_ARENA_BYTES) this.arena = new ArrayBuffer(0);
    }
  }

  private fill(chunk: DuckDBDataChunk, boundTypes: string): void {
    const { current, nextRow } = this;
    if (current === undefined || current.types.join(';') !== boundTypes)
      throw new ConnectorError('A statement was run without its batch.', { code: 'batch_shape', kind: 'internal' });
    const native = duckdbBindings();
    const rows = Math.min(VECTOR_ROWS, current.rowCount - nextRow);
    chunk.rowCount = rows;
    for (const [index, { width, values, validity }] of current.vectors.entries()) {
      if (rows === 0) break;
      const vector = native.data_chunk_get_vector(chunk.chunk, index);
      // Not into what vector_get_data returns, which is a copy.
      native.copy_data_to_vector(vector, 0, this.arena, values + nextRow * width, rows * width);
      if (validity === undefined) continue;
      native.vector_ensure_validity_writable(vector);
      const bytes = Math.ceil(rows / 64) * 8;
      native.copy_data_to_vector_validity(vector, 0, this.arena, validity + nextRow / 8, bytes);
    }
    this.nextRow += rows;
  }
}

/** Room for batches that grow little by little: what is not written to is no memory. */
function roomy(bytes: number): number {
  return bytes > KEPT_ARENA_BYTES ? bytes : Math.min(2 ** Math.ceil(Math.log2(bytes)), KEPT_ARENA_BYTES);
}

/** How DuckDB keeps the values of a type. */
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
  BLOB: { kind: 'blob', width: 16, type: (api) => api.BLOB },
};

function formOf(type: string): Form {
  const shape = decimalShape(type);
  if (shape === undefined) return FORMS[type] ?? TEXT;
  return { ...decimalForm(shape.precision), type: (api) => api.DECIMAL(shape.precision, shape.scale) };
}

/** By the digits that 16, 32 and 64 bits hold whatever they are: https://duckdb.org/docs/stable/sql/data_types/numeric */
function decimalForm(precision: number): Pick<Form, 'kind' | 'width'> {
  if (precision <= 4) return { kind: 'decimal16', width: 2 };
  if (precision <= 9) return { kind: 'decimal32', width: 4 };
  return precision <= 18 ? { kind: 'decimal64', width: 8 } : { kind: 'decimal128', width: 16 };
}
