import { Client, credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { protoPath, service as healthService } from 'grpc-health-check';
import { startService, type TestService } from '../../helpers/fivetran/service';

let service: TestService;

beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.stop());

type Unary = (request: object, done: (error: Error | null, response: { status: string }) => void) => void;

it('says that it is healthy, for itself and for the service', async () => {
  expect(protoPath).toBeTruthy();
  const { Health } = loadPackageDefinition({ Health: healthService }) as { Health: ServiceClientConstructor };
  const client = new Health(service.address, credentials.createInsecure()) as unknown as Client & { check: Unary };
  for (const name of ['', 'fivetran_sdk.v2.SourceConnector']) {
    const status = await new Promise((resolve, reject) =>
      client.check({ service: name }, (error, response) => (error === null ? resolve(response.status) : reject(error))),
    );
    expect(status).toBe('SERVING');
  }
  client.close();
});

it('lists its services by reflection', async () => {
  const client = new Client(service.address, credentials.createInsecure());
  const call = client.makeBidiStreamRequest<Buffer, Buffer>(
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => bytes,
  );
  const answer = new Promise<Buffer>((resolve, reject) => {
    call.once('data', resolve);
    call.once('error', reject);
  });
  // Field 7 of the request: list_services.
  call.write(Buffer.from([0x3a, 0x01, 0x2a]));
  expect((await answer).toString('latin1')).toContain('fivetran_sdk.v2.SourceConnector');
  call.end();
  client.close();
});

it.each(['127.0.0.1', 'localhost'])('answers at %s', async (host) => {
  const client = new Client(`${host}:${service.port}`, credentials.createInsecure());
  await new Promise<void>((resolve, reject) =>
    client.waitForReady(Infinity, (error) => (error === undefined ? resolve() : reject(error))),
  );
  client.close();
});
