// Is loaded into a server of the tests with `node --require`: it ends with the test, however that ends.
process.stdin.resume().on('end', () => process.exit(0));
