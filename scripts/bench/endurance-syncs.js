// Runs many syncs in this one process, as a worker of a fleet and the service do.
//
//   endurance-syncs.js CONFIGURATION SYNCS
//
// Prints the number of each sync when it has ended, after V8 has collected what nobody holds, and stays until a signal.
const { built } = require('../built');

const [configurationPath = '', syncs = '1'] = process.argv.slice(2);
const { loadSettings } = built('loadSettings');
const { runSync } = built('syncRun');

const nothing = () => undefined;
const logger = { debug: nothing, info: nothing, warning: console.error, severe: console.error };

async function run() {
  for (let sync = 1; sync <= Number(syncs); sync += 1) {
    const { settings } = loadSettings({ configurationPath, flags: {}, env: process.env, cwd: process.cwd() });
    const { tables } = await runSync(settings, { logger, signal: new AbortController().signal, observer: {} });
    const failed = tables.find(({ error }) => error !== undefined);
    if (failed !== undefined) throw failed.error;
    global.gc?.();
    console.log(`sync ${sync} ended`);
  }
  // To be looked at.
  setInterval(nothing, 1000);
}

run().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
