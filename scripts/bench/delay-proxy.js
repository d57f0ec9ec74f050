// A proxy in a process of its own. It holds every byte back for a while, as a long way to the server does, and lets only
// so many come from the server in a second, over all connections. It counts round trips: how often the server answers,
// which a client that takes its leave does not wait for. Messages of the parent: 'reset', 'count', 'end'.
const { connect, createServer } = require('node:net');

const [host = '', port = '', delay = '0', speed = 'Infinity'] = process.argv.slice(2);
const delayMs = Number(delay);
const bytesPerMs = Number(speed) / 1000;
/** When the line will have carried all that the server has sent so far. */
let freeAtMs = 0;
/** @type {Map<number, number>} by connection */
const trips = new Map();
let connections = 0;

/**
 * @param {import('node:net').Socket} from
 * @param {import('node:net').Socket} to
 * @param {() => void} heard
 * @param {(bytes: number) => number} waitMs until the line has carried so many bytes
 */
function forward(from, to, heard, waitMs) {
  from.on('data', (data) => {
    heard();
    const wait = waitMs(data.length);
    // Timers of one length fire in the order in which they were set.
    if (wait === 0) {
      setTimeout(() => to.writable && to.write(data), delayMs);
      return;
    }
    from.pause();
    setTimeout(() => {
      setTimeout(() => to.writable && to.write(data), delayMs);
      from.resume();
    }, wait);
  });
  from.on('end', () => setTimeout(() => to.end(), delayMs));
  from.on('error', () => to.destroy());
  from.on('close', () => setTimeout(() => to.destroy(), delayMs));
}

/** @param {number} bytes */
function carried(bytes) {
  if (bytesPerMs === Infinity) return 0;
  const now = performance.now();
  freeAtMs = Math.max(now, freeAtMs) + bytes / bytesPerMs;
  return freeAtMs - now;
}

const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const server = connect({ host, port: Number(port), noDelay: true, allowHalfOpen: true });
  const id = (connections += 1);
  let clientSpoke = false;
  forward(
    client,
    server,
    () => (clientSpoke = true),
    () => 0,
  );
  forward(
    server,
    client,
    () => {
      if (clientSpoke) trips.set(id, (trips.get(id) ?? 0) + 1);
      clientSpoke = false;
    },
    carried,
  );
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
