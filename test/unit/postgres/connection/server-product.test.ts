import { otherProduct } from '../../../../src/postgres/connection/server-product';

test.each([
  'PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu, compiled by gcc (Debian 12.2.0-14) 12.2.0, 64-bit',
  'PostgreSQL 18beta1 on x86_64-pc-linux-gnu, compiled by gcc, 64-bit',
  'PostgreSQL 19devel on aarch64-unknown-linux-gnu, compiled by clang, 64-bit',
  'PostgreSQL 15.4 on aarch64-unknown-linux-gnu, compiled by aarch64-unknown-linux-gnu-gcc (GCC) 9.5.0, 64-bit',
  'PostgreSQL 16.3 (EnterpriseDB Advanced Server 16.3.0) on x86_64-pc-linux-gnu, compiled by gcc (GCC) 8.5.0, 64-bit',
  'PostgreSQL 14.1, compiled by Visual C++ build 1914, 64-bit',
])('%s is PostgreSQL', (version) => expect(otherProduct(version)).toBeUndefined());

test.each([
  ['PostgreSQL 11.2-YB-2.20.1.0-b0 on x86_64-pc-linux-gnu, compiled by clang', 'YugabyteDB'],
  ['PostgreSQL 9.5.0 on x86_64-unknown-linux-gnu (Materialize v0.100.0)', 'Materialize'],
  ['PostgreSQL 12.12 (Greenplum Database 7.1.0 build commit:e7c2b1f) on x86_64-pc-linux-gnu', 'Greenplum'],
  ['PostgreSQL 13.14.0-RisingWave-2.0.0 (abc)', 'RisingWave'],
  ['CrateDB 5.7.0 (built abc/NA, Linux)', 'CrateDB'],
  ['SomethingNew 1.0', 'SomethingNew'],
  ['', ''],
])('%s is not', (version, name) => expect(otherProduct(version)).toBe(name));
