export { AssertionError, assert, present, unreachable } from "./assert.ts";
export { BoundedQueue } from "./bounded-queue.ts";
export type { Brand } from "./brand.ts";
export { CodedError, type ErrorDetails } from "./coded-error.ts";
export { type Deferred, deferred } from "./deferred.ts";
export { ERROR_CODES, type ErrorCode, isErrorCode } from "./error-codes.ts";
export * from "./ids.ts";
export {
  decodeJson,
  encodeJson,
  type JsonDecoding,
  type OptionalShape,
  type Shape,
  type Shaped,
  ShapeError,
  shape,
} from "./json-shape.ts";
export { machineClock } from "./node/machine-clock.ts";
export { machineRandom } from "./node/machine-random.ts";
export { machineTime } from "./node/machine-time.ts";
export { machineTimers } from "./node/machine-timers.ts";
export * from "./offsets.ts";
export { PersistentMap } from "./persistent-map.ts";
export type { Clock } from "./ports/clock.ts";
export type { KeyRange, KeyValueChange, KeyValueStore } from "./ports/key-value-store.ts";
export { type LogFields, type Logger, silentLogger } from "./ports/logger.ts";
export { type Random, randomUuid } from "./ports/random.ts";
export type { Time } from "./ports/time.ts";
export { type SleepSignal, sleep, type Timer, type Timers } from "./ports/timers.ts";
export { SeededRandom } from "./seeded-random.ts";
export { type Startable, startAll, stopAll } from "./startable.ts";
export { decodeUtf8, decodeUtf8Strict, encodeUtf8 } from "./text.ts";
