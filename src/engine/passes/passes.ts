/** Has the object that runs each kind of pass. */
import type { Clock } from '../../postgres/connection';
import type { PassPlan } from '../plan';
import { ByTimestamp } from './by-timestamp';
import { ByXmin } from './by-xmin';
import { ChangesEnd } from './changes-end';
import { FullLoad } from './full-load';
import { KeysOnly } from './keys-only';
import type { Pass } from './pass';
import type { ProcessorOptions } from './processor-options';
import { SnapshotReader } from './snapshot-reader';

export function createPasses(options: ProcessorOptions, clock: Clock): Readonly<Record<PassPlan['kind'], Pass>> {
  const reader = new SnapshotReader(options, clock);
  const end = new ChangesEnd(options);
  const byXmin = new ByXmin(options, reader, end);
  return {
    'full-load': new FullLoad(options, reader),
    'by-xmin': byXmin,
    'by-timestamp': new ByTimestamp(options, byXmin, end),
    'keys-only': new KeysOnly(options, end),
  };
}
