// Writes and applications that are still under way when the next thing happens.
import { describe, expect, it } from "vitest";
import { MemoryStorage } from "../memory/memory-storage.ts";
import { RaftInvariantError } from "./assert.ts";
import type { AppendMessage, Message, StorageAppendMessage } from "./messages.ts";
import { RaftNode } from "./raft-node.ts";
import { APPEND_WORKER, EMPTY_CONF_STATE, type Entry } from "./types.ts";

/** A follower in a group of three whose storage works behind queues. */
class SlowFollower {
  readonly storage = MemoryStorage.withVoters([1, 2, 3]);
  readonly raft: RaftNode;

  constructor(options: { readonly preVote?: boolean } = {}) {
    this.raft = new RaftNode({
      id: 1,
      storage: this.storage,
      random: () => 0,
      asyncStorageWrites: true,
      ...options,
    });
  }

  /** Takes a Ready; its messages to a local worker. */
  take(): readonly Message[] {
    return this.raft.ready().messages.filter(({ type }) => type.startsWith("storage-"));
  }

  takeWrite(): StorageAppendMessage {
    const write = this.take().find((message) => message.type === "storage-append");
    if (write === undefined) throw new Error("nothing to write");
    return write;
  }

  /** Carries out a write and delivers what comes back to this replica. */
  finish(write: StorageAppendMessage): void {
    if (write.snapshot !== undefined) this.storage.applySnapshot(write.snapshot);
    this.storage.append(write.entries);
    for (const response of write.responses) if (response.to === 1) this.raft.step(response);
  }
}

function entry(index: number, term: number): Entry {
  return { type: "normal", index, term, data: Uint8Array.of(term) };
}

function append(from: number, term: number, entries: readonly Entry[], commit = 0): AppendMessage {
  const prev = { prevIndex: 0, prevTerm: 0 };
  return { type: "append", from, to: 1, term, ...prev, commit, entries };
}

describe("a write that was overtaken", () => {
  it("does not count when the same entry comes back in a later term", () => {
    const follower = new SlowFollower();
    follower.raft.step(append(2, 1, [entry(1, 1)]));
    const first = follower.takeWrite();
    follower.raft.step(append(3, 2, [entry(1, 2)]));
    const second = follower.takeWrite();
    follower.raft.step(append(2, 3, [entry(1, 1)], 1));
    const third = follower.takeWrite();
    // The entry is on the disk now, and the second write is about to replace it.
    follower.finish(first);
    expect(follower.take()).toEqual([]);
    follower.finish(second);
    expect(follower.take()).toEqual([]);
    follower.finish(third);
    expect(follower.take()).toMatchObject([{ type: "storage-apply", entries: [{ term: 1 }] }]);
  });

  it("is vouched for by the next one, even if that has no entries", () => {
    const follower = new SlowFollower();
    follower.raft.step(append(2, 1, [entry(1, 1)]));
    const first = follower.takeWrite();
    const heartbeat = { type: "heartbeat", from: 3, to: 1, term: 2 } as const;
    follower.raft.step({ ...heartbeat, commit: 0, readSequence: 0 });
    const termChange = follower.takeWrite();
    expect(termChange.entries).toEqual([]);
    follower.finish(first);
    follower.finish(termChange);
    follower.raft.step({ ...heartbeat, commit: 1, readSequence: 0 });
    expect(follower.take().map(({ type }) => type)).toContain("storage-apply");
  });
});

describe("an acknowledgement", () => {
  it("is a response of the write and no message of its own", () => {
    const follower = new SlowFollower();
    follower.raft.step(append(2, 1, [entry(1, 1)]));
    const { messages } = follower.raft.ready();
    expect(messages.map(({ to }) => to)).toEqual([APPEND_WORKER]);
    const [write] = messages;
    expect(write).toMatchObject({ responses: [{ type: "append-response", to: 2, index: 1 }, {}] });
  });

  it("stays in its message while more arrive", () => {
    const follower = new SlowFollower();
    const heartbeat = { type: "heartbeat", from: 2, to: 1, term: 1, readSequence: 0 } as const;
    follower.raft.step(append(2, 1, [entry(1, 1)]));
    follower.finish(follower.takeWrite());
    follower.raft.step({ ...heartbeat, commit: 1 });
    const hint = follower.takeWrite();
    const { length } = hint.responses;
    follower.raft.step({ ...append(2, 1, [entry(2, 1)]), prevIndex: 1, prevTerm: 1 });
    expect(hint.responses).toHaveLength(length);
  });
});

describe("a snapshot", () => {
  const snapshot = {
    index: 5,
    term: 1,
    confState: { ...EMPTY_CONF_STATE, voters: [1, 2, 3] },
    data: undefined,
  };
  const message = { type: "snapshot", from: 2, to: 1, term: 1, snapshot } as const;

  it("is refused while entries are being applied, and taken afterwards", () => {
    const follower = new SlowFollower();
    follower.raft.step(append(2, 1, [entry(1, 1)], 1));
    follower.finish(follower.takeWrite());
    const [work] = follower.take();
    if (work?.type !== "storage-apply") throw new Error("nothing to apply");
    follower.raft.step(message);
    expect(follower.raft.lastIndex).toBe(1);
    for (const response of work.responses) follower.raft.step(response);
    follower.raft.step(message);
    expect(follower.raft.lastIndex).toBe(5);
    follower.finish(follower.takeWrite());
    expect(follower.raft.appliedIndex).toBe(5);
  });

  it("that is older than what was compacted here changes nothing", () => {
    const storage = MemoryStorage.withVoters([1, 2, 3]);
    storage.append([1, 2, 3, 4, 5, 6, 7].map((index) => entry(index, 1)));
    storage.setHardState({ term: 1, vote: 0, commit: 7 });
    storage.compact(6);
    const raft = new RaftNode({ id: 1, storage, random: () => 0, applied: 7 });
    raft.step(message);
    expect([raft.lastIndex, raft.commitIndex]).toEqual([7, 7]);
    expect(raft.ready().messages).toMatchObject([{ type: "append-response", index: 7 }]);
  });

  it("is refused by a replica that it does not name", () => {
    const follower = new SlowFollower();
    const confState = { ...EMPTY_CONF_STATE, voters: [2, 3] };
    follower.raft.step({ ...message, snapshot: { ...snapshot, confState } });
    expect([follower.raft.lastIndex, follower.raft.commitIndex]).toEqual([0, 0]);
  });

  it("does not cut a log that has its last entry", () => {
    const follower = new SlowFollower();
    const entries = [1, 2, 3, 4, 5, 6].map((index) => entry(index, 1));
    follower.raft.step(append(2, 1, entries));
    follower.raft.step(message);
    expect([follower.raft.lastIndex, follower.raft.commitIndex]).toEqual([6, 5]);
  });
});

describe("advance", () => {
  it("has no place in asynchronous mode", () => {
    const { raft } = new SlowFollower();
    raft.campaign();
    const ready = raft.ready();
    expect(() => raft.advance(ready)).toThrow(RaftInvariantError);
  });
});

describe("a candidate whose disk is slow", () => {
  const vote = { type: "vote-response", to: 1, term: 1, reject: false } as const;

  it("does not lead before its own vote is durable, whoever else votes for it", () => {
    const { raft } = new SlowFollower({ preVote: false });
    raft.campaign();
    const { responses } = writeOf(raft);
    raft.step({ ...vote, from: 2 });
    raft.step({ ...vote, from: 3 });
    expect(raft.role).toBe("candidate");
    for (const response of responses) if (response.to === 1) raft.step(response);
    expect(raft.role).toBe("leader");
  });

  it("asks for votes only when the entries that it asks with are durable", () => {
    const { raft } = new SlowFollower({ preVote: false });
    raft.campaign();
    expect(raft.ready().messages.filter(({ type }) => type === "vote-request")).toHaveLength(2);
    raft.step(append(2, 2, [entry(1, 2)]));
    raft.forgetLeader();
    raft.campaign();
    const { messages } = raft.ready();
    expect(messages.map(({ type }) => type)).toEqual(["storage-append"]);
    const [write] = messages;
    expect(write?.type === "storage-append" && write.responses).toMatchObject([
      { type: "append-response", to: 2 },
      { type: "vote-response", to: 1 },
      { type: "vote-request", to: 2, lastIndex: 1, lastTerm: 2 },
      { type: "vote-request", to: 3, lastIndex: 1, lastTerm: 2 },
      { type: "storage-append-response", to: 1 },
    ]);
  });

  it("acknowledges the proposals of one turn once", () => {
    const { raft } = new SlowFollower({ preVote: false });
    raft.campaign();
    const { responses } = writeOf(raft);
    raft.step({ ...vote, from: 2 });
    for (const response of responses) if (response.to === 1) raft.step(response);
    raft.propose(Uint8Array.of(1));
    raft.propose(Uint8Array.of(2));
    const own = writeOf(raft).responses.filter(({ type }) => type === "append-response");
    expect(own).toMatchObject([{ to: 1, index: 3 }]);
  });
});

function writeOf(raft: RaftNode): StorageAppendMessage {
  const write = raft.ready().messages.find((message) => message.type === "storage-append");
  if (write === undefined) throw new Error("nothing to write");
  return write;
}
