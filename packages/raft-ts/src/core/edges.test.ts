import { describe, expect, it } from "vitest";
import { MemoryStorage } from "../memory/memory-storage.ts";
import { TestGroup } from "../testing/test-group.ts";
import { RaftLog } from "./log/raft-log.ts";
import type { Message, SnapshotMessage } from "./messages.ts";
import { RaftNode } from "./raft-node.ts";
import { Progress } from "./tracker/progress.ts";
import { type ConfState, type Entry, NO_LIMIT, NO_REPLICA } from "./types.ts";

const confState: ConfState = {
  voters: [1, 2, 3],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
};

function entry(index: number, term: number): Entry {
  return { type: "normal", index, term, data: Uint8Array.of(index) };
}

function changeEntry(index: number, term: number): Entry {
  const change = { transition: "auto", changes: [{ kind: "add-learner", replica: 9 }] } as const;
  return { type: "conf-change", index, term, change };
}

/** Replica 1 of three in term 5, with these entries stored. */
function nodeWith(entries: readonly Entry[], applied = 0): RaftNode {
  const storage = MemoryStorage.withVoters([1, 2, 3]);
  storage.append(entries);
  storage.setHardState({ term: 5, vote: NO_REPLICA, commit: applied });
  return new RaftNode({ id: 1, storage, random: () => 0, applied, preVote: true });
}

function answers(raft: RaftNode, message: Message): readonly Message[] {
  raft.step(message);
  const ready = raft.ready();
  raft.advance(ready);
  return ready.messages;
}

function snapshotOf(index: number, term: number): SnapshotMessage {
  const snapshot = { index, term, confState, data: Uint8Array.of(1) };
  return { type: "snapshot", from: 2, to: 1, term: 5, snapshot };
}

describe("a campaign that may not start", () => {
  it("says so on a leader and does nothing", () => {
    const group = new TestGroup(3);
    const leader = group.elect(1);
    expect(leader.campaign()).toBe(false);
    expect(leader.hasReady()).toBe(false);
    expect(group.node(2).campaign()).toBe(true);
  });

  it("says so where a configuration is committed and not applied", () => {
    const raft = nodeWith([entry(1, 5), changeEntry(2, 5)]);
    const heartbeat = { type: "heartbeat", from: 2, to: 1, term: 5, readSequence: 0 } as const;
    raft.step({ ...heartbeat, commit: 2 });
    expect(raft.campaign()).toBe(false);
    expect(raft.role).toBe("follower");
  });
});

describe("a pre-vote of an earlier term", () => {
  it("is refused in words, with the later term", () => {
    const raft = nodeWith([entry(1, 1)]);
    const request = { type: "pre-vote-request", from: 2, to: 1, term: 3 } as const;
    const sent = answers(raft, { ...request, lastIndex: 9, lastTerm: 3, force: false });
    expect(sent).toMatchObject([{ type: "pre-vote-response", term: 5, reject: true, to: 2 }]);
  });
});

describe("what a candidate learns from answers", () => {
  const refusal = { type: "pre-vote-response", from: 2, to: 1, term: 5, reject: true } as const;

  it("makes it give up when a configuration is among what is committed", () => {
    const raft = nodeWith([entry(1, 5), changeEntry(2, 5)]);
    raft.campaign();
    expect(raft.role).toBe("pre-candidate");
    raft.step({ ...refusal, commit: 2, commitTerm: 5 });
    expect([raft.role, raft.commitIndex]).toEqual(["follower", 2]);
  });

  it("does not make it give up when nothing but entries is committed", () => {
    const raft = nodeWith([entry(1, 5), entry(2, 5)]);
    raft.campaign();
    raft.step({ ...refusal, commit: 2, commitTerm: 5 });
    expect([raft.role, raft.commitIndex]).toEqual(["pre-candidate", 2]);
  });

  it("leaves a follower's leader alone", () => {
    const raft = nodeWith([entry(1, 5), changeEntry(2, 5)]);
    const heartbeat = { type: "heartbeat", from: 3, to: 1, term: 5, readSequence: 0 } as const;
    raft.step({ ...heartbeat, commit: 0 });
    raft.step({ ...refusal, commit: 2, commitTerm: 5 });
    expect([raft.leader, raft.commitIndex]).toEqual([3, 2]);
  });
});

describe("a snapshot", () => {
  it("that the log already holds is answered with what is committed, not with the log's end", () => {
    const raft = nodeWith([entry(1, 5), entry(2, 5), entry(3, 5)]);
    const sent = answers(raft, snapshotOf(2, 5));
    expect(sent).toMatchObject([{ type: "append-response", index: 2, reject: false }]);
    expect([raft.lastIndex, raft.commitIndex]).toEqual([3, 2]);
  });

  it("for others than this replica changes nothing", () => {
    const raft = nodeWith([entry(1, 5)]);
    const message = snapshotOf(7, 5);
    const foreign = { ...message.snapshot, confState: { ...confState, voters: [2, 3] } };
    const sent = answers(raft, { ...message, snapshot: foreign });
    expect(sent).toMatchObject([{ type: "append-response", index: 0, reject: false }]);
    expect(raft.lastIndex).toBe(1);
  });

  it("that lies behind what is committed is answered with what is committed", () => {
    const raft = nodeWith([entry(1, 5), entry(2, 5)], 2);
    const sent = answers(raft, snapshotOf(2, 4));
    expect(sent).toMatchObject([{ type: "append-response", index: 2, reject: false }]);
  });

  it("that does not know a follower is not sent to it, nor asked for in a loop", () => {
    const storage = MemoryStorage.withVoters([1, 2]);
    const raft = new RaftNode({ id: 1, storage, random: () => 0, preVote: false });
    const work = (): readonly Message[] => {
      const sent: Message[] = [];
      while (raft.hasReady()) {
        const ready = raft.ready();
        storage.append(ready.entries);
        if (ready.hardState !== undefined) storage.setHardState(ready.hardState);
        sent.push(...ready.messages);
        for (const one of ready.committedEntries) {
          if (one.type === "conf-change") raft.applyConfChange(one.change);
        }
        raft.advance(ready);
      }
      return sent;
    };
    const ack = (from: number, index: number): Message => {
      const base = { type: "append-response", from, to: 1, term: 1, index } as const;
      return { ...base, reject: false, hintIndex: 0, hintTerm: 0 };
    };
    raft.campaign();
    work();
    raft.step({ type: "vote-response", from: 2, to: 1, term: 1, reject: false });
    work();
    for (let i = 0; i < 4; i++) raft.propose(Uint8Array.of(i));
    work();
    raft.step(ack(2, 5));
    work();
    storage.createSnapshot(5, { ...confState, voters: [1, 2] }, Uint8Array.of(1));
    storage.compact(5);
    raft.proposeConfChange({ transition: "auto", changes: [{ kind: "add-learner", replica: 4 }] });
    work();
    raft.step(ack(2, 6));
    work();
    raft.step(ack(4, 1));
    expect(work().filter(({ type }) => type === "snapshot")).toEqual([]);
  });
});

describe("the log", () => {
  function logOf(count: number): RaftLog {
    const storage = MemoryStorage.withVoters([1, 2, 3]);
    storage.append(Array.from({ length: count }, (_, i) => entry(i + 1, 1)));
    const start = { commit: count, applied: count, configurationIndexes: [] };
    return new RaftLog({ storage, ...start, maxApplyingBytes: NO_LIMIT });
  }

  it("answers an empty range with nothing, wherever it lies", () => {
    const storage = MemoryStorage.withVoters([1, 2, 3]);
    storage.append([entry(1, 1), entry(2, 1), entry(3, 1)]);
    storage.createSnapshot(2, confState, Uint8Array.of(1));
    storage.compact(2);
    const start = { commit: 3, applied: 3, configurationIndexes: [] };
    const log = new RaftLog({ storage, ...start, maxApplyingBytes: NO_LIMIT });
    expect(log.slice(1, 1, NO_LIMIT)).toEqual([]);
    expect(log.slice(1, 2, NO_LIMIT)).toBe("compacted");
    expect(log.slice(4, 4, NO_LIMIT)).toEqual([]);
  });

  it("says whether the commit index rose", () => {
    const log = logOf(2);
    log.append([entry(3, 1)]);
    expect([log.commitTo(2), log.commitTo(1), log.committed]).toEqual([false, false, 2]);
    expect([log.commitTo(3), log.committed]).toEqual([true, 3]);
    expect(() => log.commitTo(4)).toThrow("beyond the log's end");
  });

  it("forgets the configurations that a snapshot replaces", () => {
    const log = logOf(2);
    log.append([changeEntry(3, 1)]);
    expect(log.configurationIndexes.mayHaveUnapplied(2, 9)).toBe(true);
    log.restore({ index: 9, term: 2, confState, data: Uint8Array.of(1) });
    expect(log.configurationIndexes.mayHaveUnapplied(2, 9)).toBe(false);
    expect([log.committed, log.lastIndex, log.firstIndex]).toEqual([9, 9, 10]);
  });
});

describe("the progress of a follower", () => {
  function progress(match: number, next: number): Progress {
    const limits = { maxInflightMessages: 2, maxInflightBytes: 1000 };
    const start = { id: 2, match, next, isLearner: false, recentActive: true };
    return new Progress({ ...start, limits });
  }

  it("streams from the entry after the last acknowledged one", () => {
    const one = progress(3, 10);
    one.becomeReplicate();
    expect(one.next).toBe(4);
    one.becomeSnapshot(8);
    one.becomeProbe();
    expect(one.next).toBe(9);
    one.becomeReplicate();
    expect(one.next).toBe(4);
  });

  it("asks anew for entries when a rejection moves the probe", () => {
    const one = progress(0, 5);
    one.isReadPending = true;
    expect(one.maybeDecreaseTo(4, 2)).toBe(true);
    expect([one.isReadPending, one.isPaused]).toEqual([false, false]);
  });

  it("does not take an old rejection for a new one, and keeps waiting", () => {
    const one = progress(0, 5);
    one.isFlowPaused = true;
    one.isReadPending = true;
    expect(one.maybeDecreaseTo(3, 2)).toBe(false);
    expect([one.isFlowPaused, one.isReadPending, one.next]).toEqual([true, true, 5]);
  });
});
