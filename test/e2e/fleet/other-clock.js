// Is loaded into the built command line with `node --require`: this host's clock is then TEST_CLOCK_SECONDS ahead.
const RealDate = Date;
const AHEAD_MS = Number(process.env.TEST_CLOCK_SECONDS) * 1000;
const ahead = () => RealDate.now() + AHEAD_MS;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, parameters, newTarget) =>
    Reflect.construct(target, parameters.length === 0 ? [ahead()] : parameters, newTarget),
  get: (target, name) => (name === 'now' ? ahead : Reflect.get(target, name)),
});
