/**
 * A client of the service that shares no code with the product: it reads the .proto by proto-loader, and decodes the
 * messages by itself, so that a mistake of the reference client is not repeated here.
 */
import { Client, credentials, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { join } from 'node:path';

const PROTO = join(__dirname, '../../../../src/fivetran/fivetran_sdk.v2.proto');
const SERVICE = 'fivetran_sdk.v2.SourceConnector';
const MOST_MESSAGE_BYTES = 128 * 1024 * 1024;

export interface Moment {
  readonly seconds?: string;
  readonly nanos?: number;
}

/** A ValueType; `inner` names the field that is set. */
export interface WireValue {
  readonly inner: string;
  readonly [field: string]: unknown;
}

export interface WireRecord {
  readonly schema_name?: string;
  readonly table_name?: string;
  readonly type?: 'UPSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE';
  readonly data?: Readonly<Record<string, WireValue>>;
}

export interface WireColumn {
  readonly name: string;
  readonly type?: string;
  readonly primary_key?: boolean;
}

export interface WireTable {
  readonly name: string;
  readonly columns?: readonly WireColumn[];
}

export interface WireTables {
  readonly without_schema?: { readonly tables?: readonly WireTable[] };
  readonly with_schema?: {
    readonly schemas?: readonly { readonly name: string; readonly tables?: readonly WireTable[] }[];
  };
}

export interface WireMessage {
  readonly record?: WireRecord;
  readonly records?: { readonly records?: readonly WireRecord[] };
  readonly schema_change?: WireTables;
  readonly checkpoint?: { readonly state_json?: string };
  readonly warning?: { readonly message?: string };
}

interface Method {
  readonly path: string;
  readonly requestSerialize: (message: object) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => object;
}

export class WireClient {
  private readonly methods: Readonly<Record<string, Method>>;
  private readonly client: Client;

  constructor(address: string, mostBytes = MOST_MESSAGE_BYTES) {
    const definition = loadSync(PROTO, { keepCase: true, longs: String, enums: String, oneofs: true });
    this.methods = definition[SERVICE] as unknown as Readonly<Record<string, Method>>;
    this.client = new Client(address, credentials.createInsecure(), {
      'grpc.max_receive_message_length': mostBytes,
      // A service that was started again is found at once.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 200,
    });
  }

  async schema(configuration: Readonly<Record<string, string>>): Promise<WireTables> {
    const { path, requestSerialize, responseDeserialize } = this.method('Schema');
    return await new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { configuration },
        (error: ServiceError | null, answer) => {
          if (error === null) resolve(answer as WireTables);
          else reject(error);
        },
      );
    });
  }

  update(request: object): ClientReadableStream<WireMessage> {
    const { path, requestSerialize, responseDeserialize } = this.method('Update');
    return this.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
  }

  close(): void {
    this.client.close();
  }

  private method(name: string): Method {
    const method = this.methods[name];
    if (method === undefined) throw new Error(`The .proto has no method ${name}.`);
    return method;
  }
}

/** A value in PostgreSQL's own words (DateStyle ISO, time zone UTC); null for NULL. */
export function textOf(value: WireValue): string | null {
  const inner = value[value.inner];
  switch (value.inner) {
    case 'null':
      return null;
    case 'binary':
      return `\\x${(inner as Buffer).toString('hex')}`;
    case 'naive_date':
      return momentText(inner as Moment).slice(0, 10);
    case 'naive_datetime':
      return momentText(inner as Moment);
    case 'utc_datetime':
      return `${momentText(inner as Moment)}+00`;
    default:
      return String(inner);
  }
}

function momentText({ seconds = '0', nanos = 0 }: Moment): string {
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19).replace('T', ' ');
  const fraction = String(nanos).padStart(9, '0').replace(/0+$/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** The field of a ValueType for values of a declared type. */
export const FIELD_OF: Readonly<Record<string, string>> = {
  BOOLEAN: 'bool',
  SHORT: 'short',
  INT: 'int',
  LONG: 'long',
  DECIMAL: 'decimal',
  FLOAT: 'float',
  DOUBLE: 'double',
  NAIVE_DATE: 'naive_date',
  NAIVE_DATETIME: 'naive_datetime',
  UTC_DATETIME: 'utc_datetime',
  BINARY: 'binary',
  XML: 'xml',
  STRING: 'string',
  JSON: 'json',
};
