import type { EncodeRecords } from '../model/record-encoding';
import { loadAddon } from './addon';

/** Encodes a packed batch as protobuf messages (native/record_encoder.cc); undefined without the addon. */
export function nativeRecordEncoder(): EncodeRecords | undefined {
  return loadAddon().addon?.encodeRecords;
}
