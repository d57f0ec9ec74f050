import type { ColumnDecoder } from '../model/column-decoding';
import { loadAddon } from './addon';

/**
 * Decodes columns of a packed batch into DuckDB's vectors (native/column_decoder.cc), and hands them to DuckDB
 * (native/row_source.cc); undefined without the addon.
 */
export function nativeColumnDecoder(): ColumnDecoder | undefined {
  const { decodeVectors, registerRows, fillChunk } = loadAddon().addon ?? {};
  if (decodeVectors === undefined || registerRows === undefined || fillChunk === undefined) return undefined;
  return { decode: decodeVectors, registerRows, fillChunk };
}
