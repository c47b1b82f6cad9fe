import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeOrderEvent, encodeOrderEvent, type OrderEvent } from "./order-event.ts";
import { OrderFold } from "./order-fold.ts";
import { OrderGenerator } from "./order-generator.ts";
import { orderDifferences } from "./order-state.ts";

function generate(seed: number, count: number) {
  const generator = new OrderGenerator(seed);
  const events = Array.from({ length: count }, () => generator.next());
  return { generator, events };
}

function fold(events: Iterable<OrderEvent>): OrderFold {
  const result = new OrderFold();
  for (const event of events) result.apply(event);
  return result;
}

/** A stable sort by partition keeps the order of each key and changes nearly everything else. */
function byPartition(events: readonly OrderEvent[], count: number): OrderEvent[] {
  const number = (event: OrderEvent) => Number(event.orderId.slice(6)) % count;
  return events.toSorted((a, b) => number(a) - number(b));
}

describe("OrderGenerator", () => {
  it("makes the same events from the same seed, and others from another", () => {
    expect(generate(7, 500).events).toEqual(generate(7, 500).events);
    expect(generate(7, 500).events).not.toEqual(generate(8, 500).events);
  });

  it("leaves orders in every state, with times that never go back", () => {
    const { generator, events } = generate(1, 20_000);
    const statuses = new Set([...generator.orders.values()].map((order) => order.status));
    expect(statuses.size).toBe(5);
    for (const [index, event] of events.entries()) {
      expect(event.sequence).toBe(index);
      expect(event.timeMs).toBeGreaterThanOrEqual(events[index - 1]?.timeMs ?? 0);
    }
  });
});

describe("OrderFold", () => {
  it("agrees with the generator's own state, through bytes and any interleaving of keys", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 1, max: 12 }),
        (seed, count, partitions) => {
          const { generator, events } = generate(seed, count);
          const replayed = byPartition(events, partitions).map((event) =>
            decodeOrderEvent(encodeOrderEvent(event)),
          );
          const folded = fold(replayed);
          expect(folded.faults).toEqual([]);
          expect(folded.eventCount).toBe(count);
          expect(orderDifferences(generator.orders, folded.orders)).toEqual([]);
        },
      ),
      { numRuns: 20 },
    );
  });

  it("tells a lost, a doubled and a swapped event", () => {
    const { generator, events } = generate(3, 2000);
    const victim = events.findIndex((event) => event.type === "OrderPaid");
    const doubled = events.toSpliced(victim, 0, events[victim]!);
    const lost = events.toSpliced(victim, 1);
    for (const broken of [doubled, lost]) {
      const folded = fold(broken);
      expect(orderDifferences(generator.orders, folded.orders).length).toBeGreaterThan(0);
    }
    expect(fold(doubled).faults).not.toEqual([]);
    expect(fold(events.toReversed()).faults).not.toEqual([]);
  });

  it("begins anywhere when it was asked for a time, but takes nothing older", () => {
    const { events } = generate(4, 3000);
    const fromMs = events[2000]!.timeMs;
    const folded = new OrderFold(fromMs);
    for (const event of events.filter(({ timeMs }) => timeMs >= fromMs)) folded.apply(event);
    expect(folded.faults).toEqual([]);
    folded.apply(events[0]!);
    expect(folded.faults[0]).toContain("older than asked for");
  });
});

describe("decodeOrderEvent", () => {
  it.each(["", "1", "{}", '{"type":"OrderLost"}', "not json"])("refuses %j", (text) => {
    expect(() => decodeOrderEvent(new TextEncoder().encode(text))).toThrow("a record holds no");
  });
});
