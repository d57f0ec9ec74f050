/**
 * Has V8 compile functions with all optimizations only after they ran much longer than by default.
 *
 * The addon and DuckDB do what is heavy, so a load has nothing from those compilations: 1,000,000 rows took the same CPU
 * time and 10 MB less. They are much of a short sync: one of 1,000 unchanged tables took a fifth less CPU time on Node 20
 * and a tenth less on Node 22. It no longer waits in the end for compilations that are under way.
 */
import { setHeapFlags } from './heap-growth';

/** By major version of Node, since V8 gave the flag another name. Maglev, which Node 24 has, leaves little to gain. */
const FLAGS = new Map([
  // Bytes of bytecode that a function runs; by default 67,584.
  [20, '--interrupt-budget=1000000'],
  // How often a function is called; by default 3,000.
  [22, '--invocation-count-for-turbofan=30000'],
]);

export function optimizeLate(
  setFlags: (flags: string) => unknown = setHeapFlags,
  nodeVersion: string = process.versions.node,
): void {
  const flag = FLAGS.get(Number.parseInt(nodeVersion, 10));
  if (flag !== undefined) setFlags(flag);
}
