/** The service in the form of grpc-js, made from our .proto. */
import { join } from 'node:path';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';

export const SERVICE_NAME = 'fivetran_sdk.v2.SourceConnector';
const PROTO_PATH = join(__dirname, 'fivetran_sdk.v2.proto');

export function loadPackage(): PackageDefinition {
  return loadSync(PROTO_PATH, { keepCase: true, longs: String, enums: String, oneofs: true, defaults: false });
}

/** A message of the stream that is in wire format already. */
export type WireMessage = Buffer;

/**
 * The service with one change: Update sends bytes. Objects would cost several times as much as everything else
 * (record-encoder).
 */
export function serviceOf(definition: PackageDefinition): ServiceDefinition {
  const service = definition[SERVICE_NAME] as ServiceDefinition | undefined;
  const update = service?.['Update'];
  if (service === undefined || update === undefined) throw new Error(`${PROTO_PATH} lacks ${SERVICE_NAME}.`);
  return { ...service, Update: { ...update, responseSerialize: (message: WireMessage) => message } };
}

/** Turns the stream's rarer messages into bytes, from objects in the shape of the .proto. */
export function updateSerializer(definition: PackageDefinition): (message: object) => WireMessage {
  const service = definition[SERVICE_NAME] as ServiceDefinition;
  return (message) => service['Update']?.responseSerialize(message) ?? Buffer.alloc(0);
}
