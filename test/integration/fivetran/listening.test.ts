/** Where the service listens, and what it shows and asks of those who connect. */
import { Client, credentials, status, type ChannelCredentials, type ServiceError } from '@grpc/grpc-js';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AUTHORITY, OTHER_AUTHORITY, SERVER_CERTIFICATE, SERVER_KEY } from '../../helpers/certificates';
import { runCli, startCli, warningsIn, type CliResult, type RunningCli } from '../../helpers/cli';
import { ReferenceClient } from '../../../src/fivetran/reference-client/client';

let folder: string;
let service: RunningCli | undefined;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgsluice-'));
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const files = {
    'service.crt': SERVER_CERTIFICATE,
    'service.key': SERVER_KEY,
    'authority.crt': AUTHORITY,
    'other.key': privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    'locked.key': privateKey
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
      .toString(),
    'text.txt': 'nothing of the kind\n',
    'binary.crt': Buffer.from(SERVER_CERTIFICATE.replace(/-----.*-----/g, ''), 'base64'),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
});
afterEach(async () => {
  service?.kill('SIGTERM');
  await service?.ended;
  service = undefined;
});
afterAll(() => rmSync(folder, { recursive: true }));

/** `pgsluice serve` on a free port, in the folder of the certificates. */
async function serve(...flags: string[]): Promise<{ readonly host: string; readonly port: number }> {
  service = startCli(['serve', '--port', '0', ...flags], { cwd: folder });
  await service.waitFor(/"Listening on /);
  const [, host = '', port] = /"Listening on ([^ "]+):(\d+)/.exec(service.output()) ?? [];
  return { host, port: Number(port) };
}

/** The status with which the standard health service answers. */
async function health(address: string, channel: ChannelCredentials): Promise<number> {
  const client = new Client(address, channel);
  try {
    return await new Promise((resolve) => {
      const bytes = (message: Buffer): Buffer => message;
      const answered = (error: ServiceError | null): void => resolve(error === null ? status.OK : error.code);
      client.makeUnaryRequest('/grpc.health.v1.Health/Check', bytes, bytes, Buffer.alloc(0), answered);
    });
  } finally {
    client.close();
  }
}

async function accepts(host: string, port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, host, () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

const plain = credentials.createInsecure();
const trusting = (authority: string): ChannelCredentials => credentials.createSsl(Buffer.from(authority));

describe('the address', () => {
  it('is 127.0.0.1 and no other, unless --host says more', async () => {
    const { host, port } = await serve();
    expect(host).toBe('127.0.0.1');
    expect([await accepts('127.0.0.1', port), await accepts('127.0.0.2', port)]).toEqual([true, false]);
    expect(await health(`localhost:${port}`, plain)).toBe(status.OK);
    expect(warningsIn(service?.output() ?? '')).toEqual([]);
  });

  it('may be all of them, with a warning that nothing is encrypted', async () => {
    const { port } = await serve('--host', '0.0.0.0');
    expect(await accepts('127.0.0.2', port)).toBe(true);
    expect(service?.output()).toMatch(
      /WARNING.*Requests and the passwords in them travel unencrypted to 0\.0\.0\.0:\d+; give --tls-cert and --tls-key/,
    );
  });

  it('may be given by name', async () => {
    const { host, port } = await serve('--host', 'localhost');
    expect(host).toMatch(/^(127\.0\.0\.1|\[::1\])$/);
    expect(await health(`localhost:${port}`, plain)).toBe(status.OK);
    expect(warningsIn(service?.output() ?? '')).toEqual([]);
  });
});

describe('with --tls-cert and --tls-key', () => {
  it('a client that trusts the authority is served, over TLS', async () => {
    const { port } = await serve('--tls-cert', 'service.crt', '--tls-key', 'service.key');
    expect(service?.output()).toMatch(/Listening on 127\.0\.0\.1:\d+, with TLS/);
    const client = new ReferenceClient(`localhost:${port}`, Buffer.from(AUTHORITY));
    try {
      await expect(client.call('ConfigurationForm', {})).resolves.toHaveProperty('fields');
    } finally {
      client.close();
    }
    expect(await health(`localhost:${port}`, trusting(OTHER_AUTHORITY))).toBe(status.UNAVAILABLE);
    expect(await health(`localhost:${port}`, plain)).toBe(status.UNAVAILABLE);
  });

  it('may listen on all addresses without a warning', async () => {
    await serve('--host', '0.0.0.0', '--tls-cert', 'service.crt', '--tls-key', 'service.key');
    expect(warningsIn(service?.output() ?? '')).toEqual([]);
  });

  it('and --tls-client-ca, only clients with a certificate of that authority are served', async () => {
    const flags = ['--tls-cert', 'service.crt', '--tls-key', 'service.key', '--tls-client-ca', 'authority.crt'];
    const { port } = await serve(...flags);
    const known = credentials.createSsl(
      Buffer.from(AUTHORITY),
      Buffer.from(SERVER_KEY),
      Buffer.from(SERVER_CERTIFICATE),
    );
    expect(await health(`localhost:${port}`, known)).toBe(status.OK);
    expect(await health(`localhost:${port}`, trusting(AUTHORITY))).toBe(status.UNAVAILABLE);
  });
});

describe('what is wrong ends it with exit code 2 and one sentence', () => {
  const pair = (certificate: string, key: string): string[] => ['--tls-cert', certificate, '--tls-key', key];

  function said({ code, stdout, stderr }: CliResult): { readonly code: number | null; readonly lines: unknown[] } {
    expect(stderr).toBe('');
    return {
      code,
      lines: stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { message: unknown }).message),
    };
  }

  it.each<[what: string, flags: string[], sentence: string]>([
    ['a certificate without a key', ['--tls-cert', 'service.crt'], 'TLS needs both --tls-cert and --tls-key.'],
    ['a key without a certificate', ['--tls-key', 'service.key'], 'TLS needs both --tls-cert and --tls-key.'],
    ['an authority alone', ['--tls-client-ca', 'authority.crt'], 'TLS needs both --tls-cert and --tls-key.'],
    [
      'a file that is not there',
      pair('missing.crt', 'service.key'),
      'The file FOLDER/missing.crt of --tls-cert does not exist.',
    ],
    ['a folder', pair('service.crt', '.'), 'The file FOLDER of --tls-key is a folder, not a file.'],
    [
      'what is no certificate',
      pair('text.txt', 'service.key'),
      'The file FOLDER/text.txt of --tls-cert holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----").',
    ],
    [
      'a certificate in binary form',
      pair('binary.crt', 'service.key'),
      'The file FOLDER/binary.crt of --tls-cert holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----").',
    ],
    [
      'what is no key',
      pair('service.crt', 'authority.crt'),
      'The file FOLDER/authority.crt of --tls-key holds no private key in PEM form ("-----BEGIN PRIVATE KEY-----").',
    ],
    [
      'a key with a passphrase',
      pair('service.crt', 'locked.key'),
      'The key FOLDER/locked.key of --tls-key is encrypted; give one without a passphrase, readable by this user only.',
    ],
    [
      'the key of another certificate',
      pair('service.crt', 'other.key'),
      'The key FOLDER/other.key (--tls-key) does not belong to the certificate FOLDER/service.crt (--tls-cert).',
    ],
    [
      'what is no authority',
      [...pair('service.crt', 'service.key'), '--tls-client-ca', 'text.txt'],
      'The file FOLDER/text.txt of --tls-client-ca holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----").',
    ],
    [
      'an address of another host',
      ['--host', '192.0.2.1'],
      '192.0.2.1 is no address of this host. Give one that it has with --host, or 0.0.0.0 for all.',
    ],
    [
      'a name that nobody knows',
      ['--host', 'nowhere.invalid'],
      'The address "nowhere.invalid" of --host cannot be found. Give an address of this host, or 0.0.0.0 for all.',
    ],
    [
      'an empty address',
      ['--host', ''],
      'The address "" of --host cannot be found. Give an address of this host, or 0.0.0.0 for all.',
    ],
  ])('%s', async (_what, flags, sentence) => {
    const result = await runCli(['serve', '--port', '0', ...flags], { cwd: folder });
    expect(said(result)).toEqual({ code: 2, lines: [sentence.replaceAll('FOLDER', folder)] });
  });

  it('a file that may not be read', async () => {
    const secret = join(folder, 'secret.key');
    writeFileSync(secret, SERVER_KEY);
    chmodSync(secret, 0);
    // Root may read it all the same.
    const { code, lines } = said(
      await runCli(
        ['serve', '--port', '0', ...pair('service.crt', process.getuid?.() === 0 ? '/proc/self/mem' : secret)],
        {
          cwd: folder,
        },
      ),
    );
    expect(code).toBe(2);
    expect(lines).toEqual([expect.stringMatching(/^The file \S+ of --tls-key cannot be read \(E[A-Z]+\)\.$/)]);
  });
});
