import { randomBytes, randomInt } from "node:crypto";
import type { Random } from "../ports/random.ts";

const UINT32_RANGE = 0x1_0000_0000;

/** The machine's random numbers. Forks are the same source: nothing here is reproducible anyway. */
export const machineRandom: Random = {
  uint32: () => randomInt(UINT32_RANGE),
  below: (bound) => randomInt(bound),
  fraction: () => randomInt(UINT32_RANGE) / UINT32_RANGE,
  bytes: (length) => new Uint8Array(randomBytes(length)),
  fork: () => machineRandom,
};
