import { assert } from "./assert.ts";
import type { Brand } from "./brand.ts";

/**
 * Position of a record in its partition, from 0, dense. A safe integer inside, a `bigint` at public
 * boundaries.
 * An end offset is exclusive: the offset that the next record would take.
 */
export type Offset = Brand<number, "Offset">;
/** Raft term of a partition's group, shown to clients as Kafka's leader epoch. */
export type LeaderEpoch = Brand<number, "LeaderEpoch">;

/** Checks and brands an offset. */
export function offset(value: number): Offset {
  assert(Number.isSafeInteger(value) && value >= 0, `offset ${value}`);
  return value as Offset;
}

/** The offset `count` records after `base`. */
export function advance(base: Offset, count: number): Offset {
  return offset(base + count);
}
