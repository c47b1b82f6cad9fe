import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppendQueue, type AppendWaiter, type PendingAppend } from "./append-queue.ts";

const told: string[] = [];
/** With a walk over all of them at each step this would take minutes. */
const MANY = 100_000;

function waiter(name: string, acks: "all" | "leader" = "all"): AppendWaiter {
  return {
    acks,
    onStored: ({ index }) => told.push(`${name} stored ${index}`),
    onLost: ({ index }) => told.push(`${name} lost ${index}`),
  };
}

function append(index: number, waiters: readonly AppendWaiter[] = []): PendingAppend {
  const place = { index, term: 3, baseOffset: index * 10, sizeBytes: 100 };
  return { ...place, proposedAtMs: index * 1_000, waiters: new Set(waiters) };
}

/** A queue of proposals at indexes 4 to 10, each with a waiter of its own. */
function fullQueue(): AppendQueue {
  told.length = 0;
  const queue = new AppendQueue();
  for (let index = 4; index <= 10; index++) queue.push(append(index, [waiter(`w${index}`)]));
  return queue;
}

describe("the queue of proposals", () => {
  it("counts what is in it, and knows its oldest", () => {
    const queue = fullQueue();
    expect([queue.count, queue.bytes, queue.oldestProposedAtMs]).toEqual([7, 700, 4_000]);
    queue.commit(5, 3);
    expect([queue.count, queue.bytes, queue.oldestProposedAtMs]).toEqual([5, 500, 6_000]);
    queue.loseAll();
    expect([queue.count, queue.bytes, queue.oldestProposedAtMs]).toEqual([0, 0, undefined]);
    expect(() => {
      queue.push(append(5));
      queue.push(append(5));
    }).toThrow(/append at 5/);
  });

  it("finds each proposal by its base offset, and nothing else", () => {
    const queue = fullQueue();
    for (let offset = 30; offset <= 110; offset++) {
      const isThere = offset % 10 === 0 && offset >= 40 && offset <= 100;
      const found = queue.find(offset)?.append.index;
      expect(found, `offset ${offset}`).toBe(isThere ? offset / 10 : undefined);
    }
  });

  it("tells who waits for a majority once, at the commit of the same entry", () => {
    const queue = fullQueue();
    queue.commit(4, 3);
    queue.commit(4, 3);
    queue.commit(5, 3);
    expect(told).toEqual(["w4 stored 4", "w5 stored 5"]);
  });

  it("takes a proposal for lost whose place another leader's entry took, or that was passed", () => {
    const queue = fullQueue();
    queue.commit(4, 9);
    queue.commit(6, 3);
    expect(told).toEqual(["w4 lost 4", "w5 lost 5", "w6 stored 6"]);
    expect(queue.count).toBe(4);
    queue.commit(3, 3);
    expect(queue.count).toBe(4);
  });

  it("tells who waits for this disk alone as soon as that has it, and never again", () => {
    const queue = new AppendQueue();
    told.length = 0;
    queue.push(append(4, [waiter("here", "leader"), waiter("all")]));
    queue.push(append(5, [waiter("later", "leader")]));
    queue.durable(3);
    expect(told).toEqual([]);
    queue.durable(4);
    expect(told).toEqual(["here stored 4"]);
    queue.durable(4);
    queue.commit(4, 3);
    expect(told).toEqual(["here stored 4", "all stored 4"]);
    queue.loseAll();
    expect(told.at(-1)).toBe("later lost 5");
  });

  it("knows what a majority has, what this disk has, and tells each of it once", () => {
    const queue = fullQueue();
    queue.acknowledge(6, 2);
    expect([told, queue.find(40)?.isAcknowledged]).toEqual([[], false]);
    queue.acknowledge(6, 3);
    queue.acknowledge(5, 3);
    expect(told).toEqual(["w4 stored 4", "w5 stored 5", "w6 stored 6"]);
    expect([queue.count, queue.isOldestDurable]).toEqual([7, false]);
    queue.durable(5);
    queue.commit(5, 3);
    expect(queue.find(60)?.isAcknowledged).toBe(true);
    expect(queue.find(70)?.isAcknowledged).toBe(false);
    expect(queue.isOldestDurable).toBe(false);
    queue.durable(6);
    expect(queue.isOldestDurable).toBe(true);
    queue.commit(8, 3);
    expect(told.slice(3)).toEqual(["w7 lost 7", "w8 stored 8"]);
    expect(queue.isOldestDurable).toBe(false);
    queue.acknowledge(10, 3);
    expect(told.slice(5)).toEqual(["w9 stored 9", "w10 stored 10"]);
  });

  it("goes on to know it, whatever the order of commits, acknowledgements and a disk's news", () => {
    const news = fc.tuple(fc.constantFrom("commit", "acknowledge", "durable", "push"), fc.nat(60));
    fc.assert(
      fc.property(fc.array(news, { maxLength: 100 }), (steps) => {
        const queue = new AppendQueue();
        const high = { commit: 0, acknowledge: 0, durable: 0, push: 0 };
        for (const [what, by] of steps) {
          if (what === "push") queue.push(append(++high.push));
          else {
            const index = Math.min(high.push, by);
            high[what as "commit"] = Math.max(high[what as "commit"], index);
            if (what === "durable") queue.durable(index);
            else queue[what as "commit"](index, 3);
          }
          const first = high.commit + 1;
          expect(queue.count).toBe(high.push - high.commit);
          expect(queue.bytes).toBe(queue.count * 100);
          expect(queue.isOldestDurable).toBe(queue.count > 0 && high.durable >= first);
          for (let at = Math.max(1, high.commit - 3); at <= high.push; at++) {
            const isThere = at >= first;
            const expected = isThere ? at <= high.acknowledge : undefined;
            expect(queue.find(at * 10)?.isAcknowledged).toBe(expected);
          }
        }
      }),
    );
  });

  it("of a hundred thousand proposals costs each of them the same", { timeout: 5_000 }, () => {
    const queue = new AppendQueue();
    for (let index = 1; index <= MANY; index++) {
      queue.push(append(index));
      queue.acknowledge(index - 10, 3);
      queue.durable(index - 20);
    }
    for (let index = 1; index <= MANY; index++) queue.commit(index, 3);
    expect(queue.count).toBe(0);
  });

  it("tells everybody that the outcome is not known when leadership ends", () => {
    const queue = fullQueue();
    queue.loseAll();
    expect(told).toHaveLength(7);
    expect(told.every((line) => line.includes("lost"))).toBe(true);
    queue.loseAll();
    expect(told).toHaveLength(7);
  });

  it("lets a waiter that is told go on with the queue", () => {
    const queue = new AppendQueue();
    const next: AppendWaiter = { ...waiter("x"), onLost: () => queue.push(append(9)) };
    queue.push(append(4, [next]));
    queue.loseAll();
    expect([queue.count, queue.bytes]).toEqual([1, 100]);
  });
});
