import { describe, expect, it } from "vitest";
import { AppendQueue, type AppendWaiter, type PendingAppend } from "./append-queue.ts";

const told: string[] = [];

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
      expect(queue.find(offset)?.index, `offset ${offset}`).toBe(isThere ? offset / 10 : undefined);
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
