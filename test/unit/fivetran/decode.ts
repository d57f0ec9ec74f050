import { loadPackage, SERVICE_NAME } from '../../../src/fivetran/service-definition';

interface UpdateMethod {
  responseDeserialize(bytes: Buffer): unknown;
  responseSerialize(message: object): Buffer;
}

export interface DecodedRecord {
  readonly schema_name?: string;
  readonly table_name: string;
  readonly type?: string;
  readonly data?: Readonly<Record<string, DecodedValue>>;
}

/** A oneof: `inner` names the field that is set. */
export type DecodedValue = { readonly inner: string } & Readonly<Record<string, unknown>>;

const service = loadPackage()[SERVICE_NAME] as unknown as { readonly Update: UpdateMethod };

/** By protobufjs, from the .proto alone: knows nothing of our encoder. */
export function decodeUpdate(bytes: Buffer): Record<string, unknown> {
  return service.Update.responseDeserialize(bytes) as Record<string, unknown>;
}

export function decodeRecords(bytes: Buffer): readonly DecodedRecord[] {
  return (decodeUpdate(bytes)['records'] as { records: readonly DecodedRecord[] }).records;
}

/** What the generic encoder makes of the same message. */
export function encodeGenerically(message: object): Buffer {
  return service.Update.responseSerialize(message);
}

/** The value in a cell, whatever its kind; null for NULL. */
export function valueOf(value: DecodedValue | undefined): unknown {
  if (value === undefined) return undefined;
  return value.inner === 'null' ? null : value[value.inner];
}
