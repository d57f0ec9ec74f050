// Is loaded into the built command line with `node --require`. The clock then jumps a day forth or back each time it is
// read; timers and the monotonic clock go on.
const RealDate = Date;
const DAY_MS = 86_400_000;
let looks = 0;
const jumping = () => RealDate.now() + ((looks++ % 3) - 1) * DAY_MS;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, parameters, newTarget) =>
    Reflect.construct(target, parameters.length === 0 ? [jumping()] : parameters, newTarget),
  get: (target, name) => (name === 'now' ? jumping : Reflect.get(target, name)),
});
