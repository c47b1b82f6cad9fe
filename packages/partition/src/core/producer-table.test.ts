import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkSequence, knownBatches } from "./producer-history.ts";
import { ProducerTable } from "./producer-table.ts";
import { SEQUENCE_MAX } from "./sequence.ts";

/** With a walk over all that is in flight at each step this would take minutes. */
const MANY = 100_000;

const batch = (firstSequence: number, recordCount = 1, epoch = 0) => ({
  producerId: 7,
  epoch,
  firstSequence,
  recordCount,
});

describe("a producer's sequence", () => {
  it("may begin anywhere when the producer is not known", () => {
    const table = new ProducerTable(10);
    expect(table.check(batch(42))).toEqual({ kind: "next" });
  });

  it("may begin anywhere when nothing of it is remembered but its epoch", () => {
    const known = knownBatches({ epoch: 3, batches: [] });
    expect(checkSequence(known, batch(42, 1, 1))).toEqual({ kind: "next" });
  });

  it("continues over proposed and committed batches alike", () => {
    const table = new ProducerTable(10);
    table.commit(batch(0, 3), 100, 0);
    table.propose(batch(3, 2), 103);
    expect(table.check(batch(5))).toEqual({ kind: "next" });
    expect(table.check(batch(6))).toEqual({
      kind: "out-of-order",
      expectedSequence: 5,
    });
    table.dropProposed();
    expect(table.check(batch(3, 2))).toEqual({ kind: "next" });
  });

  it("is a snapshot's alone once that is restored: what was proposed does not count", () => {
    const table = new ProducerTable(10);
    table.propose(batch(0, 2), 5);
    table.restore([]);
    expect(table.check(batch(42))).toEqual({ kind: "next" });
  });

  it("wraps to 0 after the largest number", () => {
    const table = new ProducerTable(10);
    table.commit(batch(SEQUENCE_MAX - 1, 3), 0, 0);
    expect(table.check(batch(1))).toEqual({ kind: "next" });
    expect(table.check(batch(SEQUENCE_MAX - 1, 3)).kind).toBe("duplicate");
  });

  it("starts again at 0 in a new epoch, and an older epoch is refused", () => {
    const table = new ProducerTable(10);
    table.commit(batch(0, 1, 3), 0, 0);
    expect(table.check(batch(1, 1, 4)).kind).toBe("out-of-order");
    expect(table.check(batch(0, 1, 4))).toEqual({ kind: "next" });
    expect(table.check(batch(1, 1, 2))).toEqual({
      kind: "stale-epoch",
      knownEpoch: 3,
    });
  });

  it("is followed through a hundred thousand batches in flight", { timeout: 5_000 }, () => {
    const table = new ProducerTable(10);
    const kinds = { next: 0, duplicate: 0, "stale-epoch": 0, "out-of-order": 0 };
    for (let sequence = 0; sequence < MANY; sequence++) {
      kinds[table.check(batch(sequence)).kind]++;
      table.propose(batch(sequence), sequence);
    }
    for (let sequence = 0; sequence < MANY; sequence++) {
      kinds[table.check(batch(sequence)).kind]++;
      table.commit(batch(sequence), sequence, 0);
    }
    expect(kinds).toEqual({ next: MANY, duplicate: MANY, "stale-epoch": 0, "out-of-order": 0 });
  });

  it("is a duplicate only of a batch as long as it was", () => {
    const table = new ProducerTable(10);
    table.propose(batch(0, 3), 0);
    table.propose(batch(3, 3), 3);
    expect(table.check(batch(0, 3))).toMatchObject({ kind: "duplicate", batch: { baseOffset: 0 } });
    expect(table.check(batch(0, 2))).toEqual({ kind: "out-of-order", expectedSequence: 6 });
    expect(table.check(batch(3, 4))).toEqual({ kind: "out-of-order", expectedSequence: 6 });
  });

  it("is a duplicate only among the last five committed batches", () => {
    const table = new ProducerTable(10);
    for (let sequence = 0; sequence < 6; sequence++) table.commit(batch(sequence), sequence, 0);
    expect(table.check(batch(0)).kind).toBe("out-of-order");
    for (let sequence = 1; sequence < 6; sequence++) {
      expect(table.check(batch(sequence))).toMatchObject({
        kind: "duplicate",
        batch: { baseOffset: sequence },
      });
    }
  });
});

describe("ProducerTable", () => {
  it("forgets the least recently used producer above its limit, and idle ones on request", () => {
    const table = new ProducerTable(2);
    for (const producerId of [1, 2, 1, 3]) {
      const epoch = 0;
      table.commit({ producerId, epoch, firstSequence: 0, recordCount: 1 }, 0, producerId);
    }
    expect([...table.entries()].map(([id]) => id)).toEqual([1, 3]);
    expect(table.expire(3)).toBe(1);
    expect([...table.entries()].map(([id]) => id)).toEqual([3]);
  });

  it("stores every batch once, whatever the order of retries, commits and lost leaderships", () => {
    const step = fc.oneof(
      fc.constant("send" as const),
      fc.constant("retry" as const),
      fc.constant("commit" as const),
      fc.constant("lose" as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const table = new ProducerTable(4);
        const stored: number[] = [];
        let inFlight: { sequence: number; offset: number }[] = [];
        let next = 0;
        const offer = (sequence: number): void => {
          const verdict = table.check(batch(sequence));
          if (verdict.kind === "duplicate") {
            const held = [...stored.entries()].map(([offset, s]) => ({ sequence: s, offset }));
            const original = [...held, ...inFlight].find((b) => b.sequence === sequence);
            expect(verdict.batch.baseOffset).toBe(original?.offset);
            return;
          }
          if (verdict.kind !== "next") return;
          const offset = stored.length + inFlight.length;
          table.propose(batch(sequence), offset);
          inFlight.push({ sequence, offset });
        };
        for (const action of steps) {
          const oldest = inFlight[0];
          if (action === "send") offer(next++);
          else if (action === "retry") for (let s = Math.max(0, next - 5); s < next; s++) offer(s);
          else if (action === "lose") {
            inFlight = [];
            table.dropProposed();
          } else if (oldest !== undefined) {
            inFlight.shift();
            stored.push(oldest.sequence);
            table.commit(batch(oldest.sequence), oldest.offset, 0);
          }
        }
        expect(stored).toEqual(stored.map((_, index) => index + (stored[0] ?? 0)));
      }),
    );
  });
});
