// The lane against a model of the broker's rules, under every mixture of lost answers, broken
// connections, refusals and leaders that forget: whatever is not given up is stored once, in order.
import { CodedError, SeededRandom } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ProduceBatch } from "./produce-batch.ts";
import { ProduceLane } from "./produce-lane.ts";

interface Sent {
  readonly batch: ProduceBatch;
  readonly producerId: number;
  readonly sequence: number;
}

const REMEMBERED_MAX = 5;

/** The broker's rules for one partition. */
class ModelBroker {
  readonly stored: number[] = [];
  readonly #known = new Map<number, { sequence: number; count: number }[]>();
  /** Batches that are refused for good, by their first value. */
  readonly refused = new Set<number>();

  append(sent: Sent): "stored" | "out-of-order" | "refused" {
    const { batch, producerId, sequence } = sent;
    if (this.refused.has(valueOf(batch))) return "refused";
    const known = this.#known.get(producerId) ?? [];
    const count = batch.recordCount;
    if (known.some((each) => each.sequence === sequence && each.count === count)) return "stored";
    const last = known.at(-1);
    if (last !== undefined && last.sequence + last.count !== sequence) return "out-of-order";
    known.push({ sequence, count });
    this.#known.set(producerId, known.slice(-REMEMBERED_MAX));
    this.stored.push(valueOf(batch));
    return "stored";
  }
}

function valueOf(batch: ProduceBatch): number {
  return batch.createdMs;
}

function batchOf(lane: ProduceLane, value: number, recordCount: number): ProduceBatch {
  return {
    bytes: new Uint8Array(0),
    recordCount,
    bufferedBytes: 0,
    createdMs: value,
    expectedOffset: undefined,
    waiters: [],
    waiterIndexes: [],
    settledListeners: [],
    sequence: lane.takeSequence(recordCount),
    phase: "ready",
    mayBeStored: false,
    attempts: 0,
    sentMs: 0,
    lastError: undefined,
  };
}

interface Plan {
  readonly seed: number;
  readonly batchCount: number;
  readonly lossPercent: number;
  readonly busyPercent: number;
  readonly refusePercent: number;
  readonly giveUpPercent: number;
}

interface Outcome {
  readonly stored: readonly number[];
  readonly acked: readonly number[];
  readonly givenUp: readonly number[];
  readonly isDone: boolean;
}

/** Runs a lane to its end. Results of one broken connection come back together, as in life. */
function run(plan: Plan): Outcome {
  const random = new SeededRandom(plan.seed);
  const chance = (percent: number): boolean => random.below(100) < percent;
  const lane = new ProduceLane({ isIdempotent: true, maxInFlight: 5 });
  const broker = new ModelBroker();
  const acked: number[] = [];
  const givenUp: number[] = [];
  const onWire: Sent[] = [];
  let producerId = 0;
  let next = 0;
  const timedOut = new CodedError("REQUEST_TIMED_OUT", "no answer");
  const notReady = new CodedError("LEADER_NOT_AVAILABLE", "not ready");
  for (let step = 0; step < 20_000; step++) {
    lane.settle();
    if (lane.needsIdentity) lane.setIdentity({ producerId: ++producerId, producerEpoch: 0 });
    if (next < plan.batchCount && chance(40)) {
      if (chance(plan.refusePercent)) broker.refused.add(next);
      lane.add(batchOf(lane, next++, 1 + random.below(4)));
    }
    for (let batch = lane.nextToSend(step); batch !== undefined; batch = lane.nextToSend(step)) {
      onWire.push({ batch, producerId: lane.identity?.producerId ?? -1, sequence: batch.sequence });
    }
    if (chance(plan.lossPercent) && onWire.length > 0) {
      // The connection breaks: some of what is on it was taken, no answer comes for any of it.
      const takenCount = random.below(onWire.length + 1);
      for (const sent of onWire.slice(0, takenCount)) broker.append(sent);
      for (const { batch } of onWire.splice(0)) lane.onFailed(batch, timedOut);
    }
    const sent = onWire.shift();
    // A leader that is not ready, or behind, stores nothing; the next one in line may find it
    // ready.
    if (sent !== undefined && chance(plan.busyPercent)) lane.onFailed(sent.batch, notReady);
    else if (sent !== undefined) settle(lane, sent, { broker, acked, givenUp });
    if (chance(plan.giveUpPercent)) {
      const old = lane.batches().find(({ phase }) => phase !== "sent");
      if (old !== undefined) {
        lane.giveUp(old);
        givenUp.push(valueOf(old));
      }
    }
    if (next === plan.batchCount && lane.batchCount === 0) {
      return { stored: broker.stored, acked, givenUp, isDone: true };
    }
  }
  return { stored: broker.stored, acked, givenUp, isDone: false };
}

function settle(
  lane: ProduceLane,
  sent: Sent,
  world: { broker: ModelBroker; acked: number[]; givenUp: number[] },
): void {
  const { batch } = sent;
  const outcome = world.broker.append(sent);
  if (outcome === "stored") {
    lane.onStored(batch);
    world.acked.push(valueOf(batch));
    return;
  }
  const code = outcome === "refused" ? "MESSAGE_TOO_LARGE" : "OUT_OF_ORDER_SEQUENCE";
  const verdict = lane.onFailed(batch, new CodedError(code, outcome));
  if (verdict === "give-up") world.givenUp.push(valueOf(batch));
}

const planArbitrary = (limits: { refuse: number; giveUp: number }): fc.Arbitrary<Plan> =>
  fc.record({
    seed: fc.nat(),
    batchCount: fc.integer({ min: 1, max: 40 }),
    lossPercent: fc.integer({ min: 0, max: 30 }),
    busyPercent: fc.integer({ min: 0, max: 30 }),
    refusePercent: fc.integer({ min: 0, max: limits.refuse }),
    giveUpPercent: fc.integer({ min: 0, max: limits.giveUp }),
  });

describe("a lane", () => {
  test("stores every batch once and in order, however often connections break", () => {
    fc.assert(
      fc.property(planArbitrary({ refuse: 0, giveUp: 0 }), (plan) => {
        const { stored, acked, isDone } = run(plan);
        expect(isDone).toBe(true);
        const all = Array.from({ length: plan.batchCount }, (_, value) => value);
        expect(stored).toEqual(all);
        expect([...acked].sort((a, b) => a - b)).toEqual(all);
      }),
      { numRuns: 400 },
    );
  });

  test("goes on after refusals: the others are stored once and in order", () => {
    fc.assert(
      fc.property(planArbitrary({ refuse: 20, giveUp: 0 }), (plan) => {
        const { stored, acked, givenUp, isDone } = run(plan);
        expect(isDone).toBe(true);
        expect(stored).toEqual([...stored].sort((a, b) => a - b));
        expect(new Set(stored).size).toBe(stored.length);
        expect(acked.length + givenUp.length).toBe(plan.batchCount);
        for (const value of givenUp) expect(stored).not.toContain(value);
      }),
      { numRuns: 400 },
    );
  });

  test("never stores a batch twice, also when others are given up without an answer", () => {
    fc.assert(
      fc.property(planArbitrary({ refuse: 10, giveUp: 3 }), (plan) => {
        const { stored, acked, givenUp, isDone } = run(plan);
        expect(isDone).toBe(true);
        expect(new Set(stored).size).toBe(stored.length);
        expect(acked.length + givenUp.length).toBe(plan.batchCount);
        for (const value of acked) expect(stored).toContain(value);
        // What was acknowledged is in the order of sending; a given-up batch may be anywhere.
        const kept = stored.filter((value) => acked.includes(value));
        expect(kept).toEqual([...kept].sort((a, b) => a - b));
      }),
      {
        numRuns: 400,
        // A batch from before the gap is stored late, its first answer lost.
        examples: [
          [
            {
              seed: 16,
              batchCount: 35,
              lossPercent: 13,
              busyPercent: 18,
              refusePercent: 2,
              giveUpPercent: 2,
            },
          ],
        ],
      },
    );
  });

  test("without idempotence retries, and keeps at most as many in flight as told", () => {
    const lane = new ProduceLane({ isIdempotent: false, maxInFlight: 2 });
    const batches = [0, 1, 2].map((value) => batchOf(lane, value, 1));
    for (const batch of batches) lane.add(batch);
    expect(lane.nextToSend(0)).toBe(batches[0]);
    expect(lane.nextToSend(0)).toBe(batches[1]);
    expect(lane.nextToSend(0)).toBeUndefined();
    lane.onFailed(batches[0]!, new CodedError("NOT_LEADER", "moved"));
    expect(lane.nextToSend(0)).toBeUndefined();
    lane.onStored(batches[1]!);
    lane.settle();
    expect(lane.nextToSend(0)).toBe(batches[0]);
    expect(batches[0]?.sequence).toBe(-1);
  });
});
