// An S3 server (s3rver) for tests:  node s3-server.js PACKAGE_FOLDER DATA_FOLDER PORT
const { join } = require('node:path');
const [, , packages = '', directory, port] = process.argv;
const S3rver = require(join(packages, 'node_modules', 's3rver'));

new S3rver({
  address: '127.0.0.1',
  port: Number(port),
  directory,
  silent: true,
  configureBuckets: [{ name: 'warehouse' }],
}).run();
