// A proxy in a process of its own that holds every byte back for a while, as a long way to the server does. It counts
// round trips: how often the server answers, which a client that takes its leave does not wait for. Messages of the parent: 'reset', 'count', 'end'.
const { connect, createServer } = require('node:net');

const [host = '', port = '', delay = '0'] = process.argv.slice(2);
const delayMs = Number(delay);
/** @type {Map<number, number>} by connection */
const trips = new Map();
let connections = 0;

/**
 * @param {import('node:net').Socket} from
 * @param {import('node:net').Socket} to
 * @param {() => void} [heard]
 */
function forward(from, to, heard) {
  from.on('data', (data) => {
    heard?.();
    // Timers of one length fire in the order in which they were set.
    setTimeout(() => to.writable && to.write(data), delayMs);
  });
  from.on('end', () => setTimeout(() => to.end(), delayMs));
  from.on('error', () => to.destroy());
  from.on('close', () => setTimeout(() => to.destroy(), delayMs));
}

const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const server = connect({ host, port: Number(port), noDelay: true, allowHalfOpen: true });
  const id = (connections += 1);
  let clientSpoke = false;
  forward(client, server, () => (clientSpoke = true));
  forward(server, client, () => {
    if (clientSpoke) trips.set(id, (trips.get(id) ?? 0) + 1);
    clientSpoke = false;
  });
});

listener.listen(0, '127.0.0.1', () => {
  const address = listener.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined });
});
process.on('message', (message) => {
  if (message === 'reset') trips.clear();
  if (message === 'count') process.send?.({ most: Math.max(0, ...trips.values()) });
  if (message === 'end') process.exit(0);
});
process.on('disconnect', () => process.exit(0));
