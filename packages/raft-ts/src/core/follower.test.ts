import { describe, expect, it } from "vitest";
import { MemoryStorage } from "../memory/memory-storage.ts";
import type { AppendMessage, Message } from "./messages.ts";
import { RaftNode } from "./raft-node.ts";
import type { Entry } from "./types.ts";

function entry(index: number, term: number): Entry {
  return { type: "normal", index, term, data: Uint8Array.of(term) };
}

/** Replica 1 of three with a log of these terms, all stored, in term 5. */
function followerOf(terms: readonly number[]): RaftNode {
  const storage = MemoryStorage.withVoters([1, 2, 3]);
  storage.append(terms.map((term, position) => entry(position + 1, term)));
  storage.setHardState({ term: 5, vote: 0, commit: 0 });
  return new RaftNode({ id: 1, storage, random: () => 0 });
}

function append(fields: Partial<AppendMessage>): AppendMessage {
  const base = { type: "append", from: 2, to: 1, term: 5 } as const;
  return { ...base, prevIndex: 0, prevTerm: 0, commit: 0, entries: [], ...fields };
}

/** What the follower answers. */
function answer(raft: RaftNode, message: Message): Message | undefined {
  raft.step(message);
  const ready = raft.ready();
  raft.advance(ready);
  return ready.messages.at(-1);
}

describe("a follower", () => {
  it("commits only as far as the message shows that the logs are equal", () => {
    const raft = followerOf([1, 1, 2]);
    answer(raft, append({ prevIndex: 1, prevTerm: 1, commit: 3 }));
    expect(raft.commitIndex).toBe(1);
    answer(raft, append({ prevIndex: 1, prevTerm: 1, commit: 9, entries: [entry(2, 1)] }));
    expect(raft.commitIndex).toBe(2);
  });

  it("acknowledges through the last entry of the message, not through the end of its log", () => {
    const raft = followerOf([1, 1, 2]);
    const reply = answer(raft, append({ entries: [entry(1, 1)] }));
    expect(reply).toMatchObject({ type: "append-response", reject: false, index: 1 });
  });

  it("rejects with a hint that skips what cannot match", () => {
    const raft = followerOf([1, 1, 3, 3, 4]);
    const reply = answer(raft, append({ prevIndex: 5, prevTerm: 2 }));
    expect(reply).toMatchObject({ reject: true, index: 5, hintIndex: 2, hintTerm: 1 });
    const beyond = answer(raft, append({ prevIndex: 9, prevTerm: 4 }));
    expect(beyond).toMatchObject({ reject: true, index: 9, hintIndex: 5, hintTerm: 4 });
  });

  it("answers with its commit index when the leader starts below it", () => {
    const raft = followerOf([1, 1, 2]);
    answer(raft, append({ prevIndex: 3, prevTerm: 2, commit: 3 }));
    const reply = answer(raft, append({ prevIndex: 1, prevTerm: 1, entries: [entry(2, 4)] }));
    expect(reply).toMatchObject({ reject: false, index: 3 });
    expect(raft.lastIndex).toBe(3);
  });

  it("keeps its vote within a term and not beyond", () => {
    const raft = followerOf([1]);
    const request = { type: "vote-request", to: 1, lastIndex: 9, lastTerm: 9 } as const;
    const ask = (from: number, term: number): Message | undefined =>
      answer(raft, { ...request, from, term, force: false });
    expect(ask(2, 6)).toMatchObject({ reject: false });
    expect(ask(3, 6)).toMatchObject({ reject: true });
    expect(ask(2, 6)).toMatchObject({ reject: false });
    expect(ask(3, 7)).toMatchObject({ reject: false, term: 7 });
  });

  it("grants a pre-vote without moving its term or its vote", () => {
    const raft = followerOf([1]);
    const reply = answer(raft, {
      type: "pre-vote-request",
      from: 2,
      to: 1,
      term: 6,
      lastIndex: 1,
      lastTerm: 1,
      force: false,
    });
    expect(reply).toMatchObject({ type: "pre-vote-response", term: 6, reject: false });
    expect(raft.status()).toMatchObject({ term: 5, vote: 0 });
  });
});

describe("a read that reaches a follower", () => {
  it("is passed on to the leader that it knows, and to nobody else", () => {
    const raft = followerOf([1]);
    const read = { type: "read-index", from: 3, to: 1, term: 0, context: 7 } as const;
    raft.step(read);
    expect(raft.hasReady()).toBe(false);
    raft.step({ type: "heartbeat", from: 2, to: 1, term: 5, commit: 0, readSequence: 0 });
    raft.step(read);
    expect(raft.ready().messages).toContainEqual({ ...read, to: 2 });
  });
});
