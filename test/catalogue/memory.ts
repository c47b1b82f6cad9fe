import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const MIB = 1024 * 1024;
const TURNS_MAX = 20;
const TURN_MS = 25;

/** Collects garbage. */
const collect = ((): (() => void) => {
  setFlagsFromString("--expose-gc");
  const gc: unknown = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  if (typeof gc !== "function") throw new Error("this Node has no gc");
  return () => {
    gc();
  };
})();

/** What this process holds: the heap and the buffers outside it. */
export function heldMiB(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MIB;
}

/**
 * What this process holds more than it did, as soon as that is below the limit: some of what was
 * used is let go of only turns after it was collected. What stays above is held.
 */
export async function extraMiB(beforeMiB: number, limitMiB: number): Promise<number> {
  let extra = heldMiB() - beforeMiB;
  for (let turn = 0; turn < TURNS_MAX && extra >= limitMiB; turn++) {
    await delay(TURN_MS);
    extra = heldMiB() - beforeMiB;
  }
  return extra;
}
