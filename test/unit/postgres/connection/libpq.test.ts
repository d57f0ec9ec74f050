import { rootCertificateProblem, versionIn } from '../../../../src/postgres/connection/libpq';

const OLD = { path: '/usr/lib/x86_64-linux-gnu/libpq.so.5.15', version: 15 };

describe('sslrootcert', () => {
  it('"system" needs libpq 16, which is said with the one that is there', () => {
    expect(rootCertificateProblem('system', () => OLD)?.describe()).toBe(
      '"sslrootcert" is "system", which needs libpq 16; the ODBC driver uses libpq 15 (/usr/lib/x86_64-linux-gnu/libpq.so.5.15). ' +
        'Name the file of the certificate authorities: /etc/ssl/certs/ca-certificates.crt on Debian, /etc/pki/tls/certs/ca-bundle.crt on RHEL.',
    );
  });

  it.each([
    ['system', { ...OLD, version: 16 }],
    ['system', undefined],
    ['/etc/ssl/ca.crt', OLD],
    [undefined, OLD],
  ])('%s is fine with %j', (sslrootcert, libpq) => {
    expect(rootCertificateProblem(sslrootcert, () => libpq)).toBeUndefined();
  });
});

it.each([
  ['/usr/lib/x86_64-linux-gnu/libpq.so.5.15', 15],
  ['/usr/lib64/libpq.so.5.9', 9],
  ['/usr/lib64/libpq.so.5', undefined],
  ['/opt/libpq.5.17.dylib', undefined],
])('the version of %s is %s', (path, version) => {
  expect(versionIn(path)).toBe(version);
});
