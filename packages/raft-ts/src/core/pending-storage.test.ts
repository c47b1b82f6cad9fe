// Storage whose entries are not always in memory.
import { describe, expect, it } from "vitest";
import { MemoryStorage } from "../memory/memory-storage.ts";
import type { LogStorage } from "./log-storage.ts";
import type { Message } from "./messages.ts";
import { RaftNode } from "./raft-node.ts";
import type { Ready } from "./ready.ts";
import type { Entry } from "./types.ts";

/** Entries up to `coldThrough` must be fetched first. */
class ColdStorage extends MemoryStorage implements LogStorage {
  coldThrough = 0;
  readCount = 0;

  override entries(from: number, to: number, maxBytes: number): ReturnType<LogStorage["entries"]> {
    this.readCount++;
    return from <= this.coldThrough ? "pending" : super.entries(from, to, maxBytes);
  }
}

function entry(index: number): Entry {
  return { type: "normal", index, term: 1, data: Uint8Array.of(index) };
}

/** Replica 1 leads term 2 over a log of 5 entries of term 1, none of which is in memory. */
function coldLeader(): { raft: RaftNode; storage: ColdStorage; ready: () => Ready } {
  const storage = new ColdStorage();
  storage.applySnapshot({
    index: 0,
    term: 0,
    data: undefined,
    confState: {
      voters: [1, 2],
      learners: [],
      votersOutgoing: [],
      learnersNext: [],
      autoLeave: false,
    },
  });
  storage.append([1, 2, 3, 4, 5].map(entry));
  storage.setHardState({ term: 1, vote: 1, commit: 5 });
  const raft = new RaftNode({ id: 1, storage, random: () => 0, applied: 5, preVote: false });
  const ready = (): Ready => {
    const taken = raft.ready();
    storage.append(taken.entries);
    raft.advance(taken);
    return taken;
  };
  raft.campaign();
  ready();
  raft.step({ type: "vote-response", from: 2, to: 1, term: 2, reject: false });
  ready();
  storage.coldThrough = 6;
  return { raft, storage, ready };
}

function rejection(hintIndex: number, index: number): Message {
  const common = { type: "append-response", from: 2, to: 1, term: 2, reject: true } as const;
  return { ...common, index, hintIndex, hintTerm: hintIndex === 0 ? 0 : 1 };
}

function acknowledgement(index: number): Message {
  return { ...rejection(0, index), reject: false } as Message;
}

describe("a follower whose entries are not in memory", () => {
  it("is probed without entries", () => {
    const { raft, ready } = coldLeader();
    raft.step(rejection(2, 5));
    const { messages, wants } = ready();
    expect(messages).toMatchObject([{ type: "append", prevIndex: 2, entries: [] }]);
    expect(wants).toEqual([]);
    // One probe is out; the next waits for its answer.
    raft.propose(Uint8Array.of(9));
    expect(ready().messages).toEqual([]);
  });

  it("gets nothing until they are there, and does not ask again for every message", () => {
    const { raft, storage, ready } = coldLeader();
    raft.step(rejection(2, 5));
    ready();
    raft.step(acknowledgement(2));
    const asked = ready();
    expect(asked.wants).toEqual([{ for: 2, from: 3, to: 7, maxBytes: 512 * 1024 }]);
    expect(asked.messages).toEqual([]);
    const before = storage.readCount;
    raft.propose(Uint8Array.of(9));
    raft.step({ type: "heartbeat-response", from: 2, to: 1, term: 2, readSequence: 0 });
    const next = ready();
    expect([next.messages.length, next.wants.length, storage.readCount]).toEqual([0, 0, before]);
    storage.coldThrough = 0;
    raft.entriesAvailable(2);
    const served = ready();
    expect(served.messages).toMatchObject([{ type: "append", to: 2, prevIndex: 2 }]);
  });

  it("is asked for again after a heartbeat interval", () => {
    const { raft, ready } = coldLeader();
    raft.step(rejection(2, 5));
    ready();
    raft.step(acknowledgement(2));
    expect(ready().wants).toHaveLength(1);
    raft.tick();
    expect(ready().wants).toHaveLength(1);
  });

  it("does not care for stale answers", () => {
    const { raft, ready } = coldLeader();
    raft.entriesAvailable(2);
    raft.entriesAvailable(7);
    raft.entriesAvailable("apply");
    expect(raft.hasReady() ? ready().messages : []).toEqual([]);
  });
});

describe("committed entries that are not in memory", () => {
  it("are asked for once, then applied", () => {
    const storage = new ColdStorage();
    storage.append([1, 2, 3].map(entry));
    storage.setHardState({ term: 1, vote: 0, commit: 3 });
    storage.coldThrough = 3;
    const raft = new RaftNode({ id: 1, storage, random: () => 0 });
    const first = raft.ready();
    expect(first.wants).toEqual([{ for: "apply", from: 1, to: 4, maxBytes: 512 * 1024 }]);
    raft.advance(first);
    expect(raft.hasReady()).toBe(false);
    storage.coldThrough = 0;
    raft.entriesAvailable("apply");
    const second = raft.ready();
    expect(second.committedEntries.map(({ index }) => index)).toEqual([1, 2, 3]);
    raft.advance(second);
    expect(raft.appliedIndex).toBe(3);
  });

  it("are asked for again after a heartbeat interval", () => {
    const storage = new ColdStorage();
    storage.append([entry(1)]);
    storage.setHardState({ term: 1, vote: 0, commit: 1 });
    storage.coldThrough = 1;
    const raft = new RaftNode({ id: 1, storage, random: () => 0 });
    raft.advance(raft.ready());
    raft.tick();
    expect(raft.hasReady()).toBe(true);
    expect(raft.ready().wants).toHaveLength(1);
  });
});
