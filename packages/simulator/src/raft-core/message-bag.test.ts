import type { Message } from "raft-ts";
import { describe, expect, it } from "vitest";
import { SimKernel } from "../kernel/sim-kernel.ts";
import { type BagOptions, MessageBag } from "./message-bag.ts";

const PLAIN: BagOptions = {
  latencyMs: [1, 2],
  lateMs: 50,
  latePercent: 0,
  lossPercent: 0,
  duplicatePercent: 0,
};

/** What becomes of messages 1 to 100 from replica 1 to 2, then from 2 to 1. */
function sendMany(options: BagOptions, prepare: (bag: MessageBag) => void = () => {}) {
  const kernel = new SimKernel(1);
  const delivered: Message[] = [];
  const lost: Message[] = [];
  const bag = new MessageBag(kernel, options, {
    deliver: (message) => delivered.push(message),
    lost: (message) => lost.push(message),
  });
  prepare(bag);
  for (let term = 1; term <= 100; term++) {
    bag.send({ type: "timeout-now", from: 1, to: 2, term });
    bag.send({ type: "timeout-now", from: 2, to: 1, term });
  }
  kernel.runSynchronously(1000);
  return { delivered, lost };
}

describe("a bag of messages", () => {
  it("delivers each once when nothing is wrong", () => {
    const { delivered, lost } = sendMany(PLAIN);
    expect([delivered.length, lost.length]).toEqual([200, 0]);
  });

  it("loses some, brings some twice, and some late", () => {
    const { delivered, lost } = sendMany({ ...PLAIN, lossPercent: 30 });
    expect(lost.length).toBeGreaterThan(20);
    expect(delivered.length + lost.length).toBe(200);
    expect(sendMany({ ...PLAIN, duplicatePercent: 30 }).delivered.length).toBeGreaterThan(220);
    const late = sendMany({ ...PLAIN, latePercent: 30 }).delivered.map(({ term }) => term);
    expect(late).not.toEqual(late.toSorted((a, b) => a - b));
  });

  it("is cut in one direction only", () => {
    const { delivered, lost } = sendMany(PLAIN, (bag) => bag.cut(1, 2));
    expect(new Set(delivered.map(({ from }) => from))).toEqual(new Set([2]));
    expect(lost).toHaveLength(100);
  });
});
