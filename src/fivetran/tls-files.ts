/** Reads the certificate and key that the service shows to its clients, and checks them before the port is opened. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import { ConnectorError } from '../common/errors';

/** Absolute paths of PEM files. */
export interface TlsFiles {
  /** The service's own certificate first, then those between it and the authority. */
  readonly certificate: string;
  readonly key: string;
  /** The authority whose certificates clients must show; without it, any client may connect. */
  readonly clientAuthority?: string;
}

/** Throws a ConnectorError of kind configuration that names the flag and the file. */
export function readCredentials(files: TlsFiles): ServerCredentials {
  const chain = readFlagFile('--tls-cert', files.certificate);
  const key = readFlagFile('--tls-key', files.key);
  const certificate = parseCertificate('--tls-cert', files.certificate, chain);
  if (!certificate.checkPrivateKey(parseKey(files.key, key)))
    throw wrong(
      `The key ${files.key} (--tls-key) does not belong to the certificate ${files.certificate} (--tls-cert).`,
    );
  let clients: Buffer | null = null;
  if (files.clientAuthority !== undefined) {
    clients = readFlagFile('--tls-client-ca', files.clientAuthority);
    parseCertificate('--tls-client-ca', files.clientAuthority, clients);
  }
  try {
    // OpenSSL refuses more than that, such as a key that is too short, and would refuse it at each connection.
    createSecureContext({ cert: chain, key, ca: clients ?? undefined });
  } catch (error) {
    throw wrong(`${files.certificate} (--tls-cert) cannot be used for TLS: ${reasonOf(error)}.`, error);
  }
  return ServerCredentials.createSsl(clients, [{ cert_chain: chain, private_key: key }], clients !== null);
}

function readFlagFile(flag: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reason =
      code === 'ENOENT' ? 'does not exist' : code === 'EISDIR' ? 'is a folder, not a file' : `cannot be read (${code})`;
    throw wrong(`The file ${path} of ${flag} ${reason}.`, error);
  }
}

function parseCertificate(flag: string, path: string, pem: Buffer): X509Certificate {
  try {
    // Without this, the binary form would pass here and be refused by TLS.
    if (!pem.includes('-----BEGIN')) throw new Error('no PEM');
    return new X509Certificate(pem);
  } catch (error) {
    throw wrong(`The file ${path} of ${flag} holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----").`, error);
  }
}

function parseKey(path: string, pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    // The word stands in the title of the block, or in a line below it, where older programs write it.
    throw wrong(
      pem.includes('ENCRYPTED')
        ? `The key ${path} of --tls-key is encrypted; give one without a passphrase, readable by this user only.`
        : `The file ${path} of --tls-key holds no private key in PEM form ("-----BEGIN PRIVATE KEY-----").`,
      error,
    );
  }
}

function reasonOf(error: unknown): string {
  const { reason, message } = error as { readonly reason?: string; readonly message: string };
  return reason ?? message;
}

function wrong(message: string, cause?: unknown): ConnectorError {
  return new ConnectorError(message, { code: 'tls_files', kind: 'configuration', cause });
}
