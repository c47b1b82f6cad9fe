import { EMPTY_CONF_STATE, type Entry, type Message, type StorageAppendMessage } from "raft-ts";
import { describe, expect, it } from "vitest";
import { SimKernel } from "../kernel/sim-kernel.ts";
import { SimNode } from "../kernel/sim-node.ts";
import { CoreDisk } from "./core-disk.ts";

const ANSWER: Message = { type: "timeout-now", from: 1, to: 2, term: 1 };

function write(from: number, count: number, isAnswered = true): StorageAppendMessage {
  const entries = Array.from(
    { length: count },
    (_, i): Entry => ({ type: "normal", index: from + i, term: 1, data: undefined }),
  );
  const hardState = { term: 1, vote: 1, commit: from };
  const responses = isAnswered ? [ANSWER] : [];
  return { type: "storage-append", from: 1, to: 2, term: 1, entries, hardState, responses };
}

/** A disk that takes 1 ms for everything, and the log's end there at each answer. */
function createDisk(seed = 1): {
  kernel: SimKernel;
  node: SimNode;
  disk: CoreDisk;
  answers: number[];
} {
  const kernel = new SimKernel(seed);
  const node = new SimNode(kernel, 1);
  node.boot();
  const answers: number[] = [];
  const disk: CoreDisk = new CoreDisk(node, EMPTY_CONF_STATE, {
    mutant: undefined,
    random: kernel.random.fork("disk"),
    latencyMs: () => 1,
    onWritten: () => {},
    onAnswer: () => answers.push(disk.durable.lastIndex),
  });
  return { kernel, node, disk, answers };
}

describe("a simulated disk", () => {
  it("answers what is durable, in order", () => {
    const { kernel, disk, answers } = createDisk();
    for (let i = 1; i <= 5; i++) disk.hand(write(i, 1));
    expect([disk.handed.lastIndex, disk.written.lastIndex]).toEqual([5, 0]);
    kernel.runSynchronously(100);
    expect(answers).toHaveLength(5);
    for (const [position, durable] of answers.entries()) {
      expect(durable).toBeGreaterThan(position);
    }
  });

  it("does not sync for what nobody waits for", () => {
    const { kernel, disk } = createDisk();
    disk.hand(write(1, 1, false));
    kernel.runSynchronously(100);
    expect([disk.written.lastIndex, disk.durable.lastIndex]).toEqual([1, 0]);
    disk.hand(write(2, 1));
    kernel.runSynchronously(100);
    expect(disk.durable.lastIndex).toBe(2);
  });

  it("loses an end of what was not synced in a crash, and nothing else", () => {
    const ends = new Set<number>();
    for (let seed = 1; seed <= 60; seed++) {
      const { kernel, node, disk } = createDisk(seed);
      disk.hand(write(1, 2));
      kernel.runSynchronously(100);
      disk.hand(write(3, 4, false));
      kernel.runSynchronously(100);
      node.crash();
      disk.crash(kernel.random.fork("crash"));
      ends.add(disk.durable.lastIndex);
      expect(disk.written.lastIndex).toBe(disk.durable.lastIndex);
    }
    expect([...ends].sort((a, b) => a - b)).toEqual([2, 3, 4, 5, 6]);
  });
});
