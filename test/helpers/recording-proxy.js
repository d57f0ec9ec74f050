// Stands between a client and a server, and writes all that passes into two files: `from-server` and `from-client` in a
// folder. It is a process of its own, since a login through the ODBC package may hold up the process that it is made in.
// Arguments: host, port, folder. It prints its own port.
const { appendFileSync } = require('node:fs');
const { connect, createServer } = require('node:net');
const { join } = require('node:path');

const [host = '', port = '', folder = ''] = process.argv.slice(2);

/** @param {string} name @param {import('node:net').Socket} from @param {import('node:net').Socket} to */
function pump(name, from, to) {
  from.on('data', (data) => {
    // What has arrived anywhere is in the file.
    appendFileSync(join(folder, name), data);
    to.write(data);
  });
  from.on('error', () => undefined);
  from.on('close', () => to.destroy());
}

const listener = createServer((client) => {
  const server = connect({ host, port: Number(port) });
  pump('from-client', client, server);
  pump('from-server', server, client);
});
listener.listen(0, '127.0.0.1', () => {
  const address = listener.address();
  process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`);
});
// Ends with the process that has started it.
process.stdin.on('end', () => process.exit(0)).resume();
