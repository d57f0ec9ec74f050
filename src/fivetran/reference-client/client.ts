/** The platform's side of the wire: calls with promises, messages decoded from the .proto alone. */
import { Client, credentials, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import { loadPackage, SERVICE_NAME } from '../service-definition';
import type { RecordMessage, UpdateMessage } from './messages';

interface Method {
  readonly path: string;
  requestSerialize(message: object): Buffer;
  responseDeserialize(bytes: Buffer): object;
}

export interface ReceivedMessage {
  readonly message: UpdateMessage;
  /** Bytes on the wire, without gRPC's frame. */
  readonly bytes: number;
}

/** The largest message that the platform accepts. */
const MOST_MESSAGE_BYTES = 128 * 1024 * 1024;

export class ReferenceClient {
  private readonly methods: Readonly<Record<string, Method>>;
  private readonly client: Client;

  /** `authority` is the PEM of the authority that signed the service's certificate; without it, no TLS. */
  constructor(address: string, authority?: Buffer) {
    this.methods = loadPackage()[SERVICE_NAME] as unknown as Readonly<Record<string, Method>>;
    const channel = authority === undefined ? credentials.createInsecure() : credentials.createSsl(authority);
    this.client = new Client(address, channel, {
      'grpc.max_receive_message_length': MOST_MESSAGE_BYTES,
      'grpc.max_send_message_length': MOST_MESSAGE_BYTES,
    });
  }

  /** Rejects with a ServiceError. */
  async call<T extends object>(name: 'ConfigurationForm' | 'Test' | 'Schema', request: object): Promise<T> {
    const method = this.method(name);
    return await new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        method.path,
        (message: object) => method.requestSerialize(message),
        (bytes) => method.responseDeserialize(bytes),
        request,
        (error: ServiceError | null, response) => {
          if (error === null) resolve(response as T);
          else reject(error);
        },
      );
    });
  }

  /** Returns an async iterable; it ends with an error that has the status. */
  update(request: object): ClientReadableStream<ReceivedMessage> {
    const method = this.method('Update');
    return this.client.makeServerStreamRequest(
      method.path,
      (message: object) => method.requestSerialize(message),
      (bytes) => ({ message: method.responseDeserialize(bytes), bytes: bytes.length }),
      request,
    );
  }

  close(): void {
    this.client.close();
  }

  private method(name: string): Method {
    const method = this.methods[name];
    if (method === undefined) throw new Error(`${SERVICE_NAME} has no method ${name}.`);
    return method;
  }
}

/** A message with a single record may be larger. */
export function recordsOf(message: UpdateMessage): readonly RecordMessage[] {
  return message.records?.records ?? (message.record === undefined ? [] : [message.record]);
}
