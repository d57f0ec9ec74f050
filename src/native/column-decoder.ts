import type { DecodeColumns } from '../model/column-decoding';
import { loadAddon } from './addon';

/** Decodes columns of a packed batch into DuckDB's vectors (native/column_decoder.cc); undefined without the addon. */
export function nativeColumnDecoder(): DecodeColumns | undefined {
  return loadAddon().addon?.decodeVectors;
}
