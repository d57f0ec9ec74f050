/** The command `fleet`, beside the others of command-declarations. */
const ALL_SWITCH = { flag: 'all', kind: 'boolean', describe: 'sync: every source' } as const;
const JSON_OF_FLEET = { flag: 'json', kind: 'boolean', describe: 'sources, status: print one JSON document' } as const;

export const FLEET_ACTIONS = ['init', 'sources', 'work', 'sync', 'status', 'cancel', 'maintain'] as const;

export const FLEET_DECLARATION = {
  name: 'fleet',
  aliases: [],
  describe: 'Sync many sources into one lake, by as many workers as wished; see docs/FLEET.md',
  groups: ['Destination', 'Output', 'Watching', 'Fleet'],
  positional: {
    name: 'what',
    describe:
      'init (once, and when sources change), sources, work (a worker), sync NAME…, status, cancel NAME, maintain',
    many: true,
  },
  switches: [ALL_SWITCH, JSON_OF_FLEET],
  examples: [
    ['$0 fleet init', 'makes queue and lake, and the schedules of the sources'],
    ['$0 fleet work --metrics-port 9464', 'a worker, until SIGTERM; start as many as wished, on any host'],
    ['$0 fleet sync --all', 'without waiting for the schedules'],
    ['$0 fleet status', 'sources, queue, workers, lag and failures'],
  ],
} as const;
