// What callers see of one replica, or of a small group. Elections, replication and membership as
// whole stories are in testdata; here are the answers of the methods, and the limits.
import { describe, expect, it } from "vitest";
import { TestGroup } from "../testing/test-group.ts";
import { MemoryStorage } from "../memory/memory-storage.ts";
import { RaftInvariantError } from "./assert.ts";
import type { Message } from "./messages.ts";
import { resolveOptions } from "./options.ts";
import { RaftNode } from "./raft-node.ts";
import { APPEND_WORKER, NO_LIMIT, NO_REPLICA } from "./types.ts";

const small = Uint8Array.of(1);

function count(messages: readonly Message[], type: Message["type"]): number {
  return messages.filter((message) => message.type === type).length;
}

describe("options", () => {
  const base = { id: 1, storage: new MemoryStorage(), random: () => 0 };

  it.each([
    ["id 0", { id: 0 }],
    ["an id of a local worker", { id: APPEND_WORKER }],
    ["no heartbeats", { heartbeatTicks: 0 }],
    ["elections as often as heartbeats", { electionTicks: 2, heartbeatTicks: 2 }],
    ["an applied index below zero", { applied: -1 }],
    ["an empty window", { maxInflightMessages: 0 }],
    ["a window smaller than a message", { maxInflightBytes: 10, maxBytesPerMessage: 20 }],
    ["lease reads without a quorum check", { readMode: "lease", checkQuorum: false } as const],
  ])("refuse %s", (_, wrong) => {
    expect(() => new RaftNode({ ...base, ...wrong })).toThrow(RangeError);
  });

  it("have the defaults that the README lists", () => {
    expect(resolveOptions(base)).toEqual({
      ...base,
      electionTicks: 10,
      heartbeatTicks: 1,
      applied: 0,
      asyncStorageWrites: false,
      preVote: true,
      checkQuorum: true,
      readMode: "quorum",
      maxBytesPerMessage: 512 * 1024,
      maxInflightMessages: 64,
      maxInflightBytes: NO_LIMIT,
      maxUncommittedBytes: NO_LIMIT,
      maxCommittedBytesPerReady: 512 * 1024,
      coalesceAppends: true,
      maxPendingReads: 10_000,
      disableProposalForwarding: true,
      disableConfChangeValidation: false,
      stepDownOnRemoval: true,
    });
  });
});

describe("proposals", () => {
  it("get an index and a term on the leader", () => {
    const group = new TestGroup(3);
    const leader = group.elect(1);
    expect(leader.lastIndex).toBe(1);
    expect(leader.propose(small)).toEqual({ accepted: true, index: 2, term: 1 });
    expect(leader.proposeBatch([small, small])).toEqual({ accepted: true, index: 4, term: 1 });
    group.settle();
    for (const id of [1, 2, 3])
      expect(group.at(id).applied.map((e) => e.index)).toEqual([1, 2, 3, 4]);
  });

  it("are refused where nobody leads, and by a follower", () => {
    const group = new TestGroup(3);
    expect(group.node(2).propose(small)).toEqual({ accepted: false, reason: "no-leader" });
    group.elect(1);
    expect(group.node(2).propose(small)).toEqual({ accepted: false, reason: "not-leader" });
  });

  it("are passed on by a follower that may, without a promise of an index", () => {
    const group = new TestGroup(3, { disableProposalForwarding: false });
    group.elect(1);
    const result = group.node(2).propose(small);
    expect(result).toEqual({ accepted: true, index: undefined, term: undefined });
    group.settle();
    expect(group.at(3).applied).toHaveLength(2);
  });

  it("stop at the uncommitted limit, but an empty tail takes an entry of any size", () => {
    const group = new TestGroup(3, { maxUncommittedBytes: 10 });
    const leader = group.elect(1);
    expect(leader.propose(new Uint8Array(100)).accepted).toBe(true);
    expect(leader.propose(small)).toEqual({ accepted: false, reason: "too-many-bytes" });
    group.settle();
    expect(leader.propose(small).accepted).toBe(true);
  });

  it("of one turn leave in one message per follower", () => {
    const group = new TestGroup(3);
    const leader = group.elect(1);
    for (let i = 0; i < 5; i++) leader.propose(small);
    const ready = leader.ready();
    expect(count(ready.messages, "append")).toBe(2);
    expect(ready.entries).toHaveLength(5);
    leader.advance(ready);
  });

  it("are refused by a leader that leads on after its own removal", () => {
    const group = new TestGroup(3, { stepDownOnRemoval: false });
    const leader = group.elect(1);
    const changes = [{ kind: "remove", replica: 1 }] as const;
    leader.proposeConfChange({ transition: "auto", changes });
    group.settle();
    expect(leader.role).toBe("leader");
    expect(leader.propose(small)).toEqual({ accepted: false, reason: "removed" });
  });

  it("of a batch must not be none", () => {
    expect(() => new TestGroup(1).node(1).proposeBatch([])).toThrow(RangeError);
  });
});

describe("a configuration change that may not start", () => {
  it("is replaced by an empty entry, with the reason", () => {
    const group = new TestGroup(3);
    const leader = group.elect(1);
    const leave = leader.proposeConfChange({ transition: "auto", changes: [] });
    expect(leave).toEqual({ accepted: true, index: 2, term: 1, refusedChange: "not-joint" });
    const add = { transition: "auto", changes: [{ kind: "add-learner", replica: 4 }] } as const;
    expect(leader.proposeConfChange(add)).toEqual({ accepted: true, index: 3, term: 1 });
    const second = leader.proposeConfChange(add);
    expect(second).toMatchObject({ index: 4, refusedChange: "unapplied-change" });
    group.settle();
    expect(group.at(2).applied.map((entry) => entry.type)).toEqual([
      "normal",
      "normal",
      "conf-change",
      "normal",
    ]);
    expect(group.node(2).status().confState.learners).toEqual([4]);
  });
});

describe("a new leader", () => {
  it("starts no configuration change while it may have inherited one", () => {
    const group = new TestGroup(3, { preVote: false });
    const old = group.elect(1);
    const learner = { kind: "add-learner", replica: 4 } as const;
    old.proposeConfChange({ transition: "auto", changes: [learner] });
    // Everyone gets the entry, and the old leader hears of it from nobody.
    group.loses = ({ to }) => to === 1;
    group.settle();
    for (const id of [2, 3]) group.node(id).forgetLeader();
    group.node(2).campaign();
    while (group.node(2).role !== "leader") {
      for (const id of [2, 3]) group.work(id);
      for (const message of group.messages.splice(0))
        group.replicas.get(message.to)?.raft.step(message);
    }
    const second = { transition: "auto", changes: [{ ...learner, replica: 5 }] } as const;
    const refused = { accepted: true, refusedChange: "unapplied-change" };
    expect(group.node(2).proposeConfChange(second)).toMatchObject(refused);
    group.settle();
    expect(group.node(2).proposeConfChange(second)).not.toHaveProperty("refusedChange");
  });
});

describe("the loop", () => {
  it("has one Ready out at a time", () => {
    const { raft } = new TestGroup(1).at(1);
    raft.campaign();
    const ready = raft.ready();
    expect(() => raft.ready()).toThrow(RaftInvariantError);
    raft.advance(ready);
    expect(() => raft.advance(ready)).toThrow(RaftInvariantError);
  });

  it("needs a sync for entries and votes, and none for a commit hint", () => {
    const group = new TestGroup(1, { preVote: false });
    group.elect(1);
    const [candidate, leader, commit] = group.at(1).readies;
    expect([candidate?.mustSync, leader?.mustSync, commit?.mustSync]).toEqual([true, true, false]);
    expect(commit?.hardState).toEqual({ term: 1, vote: 1, commit: 1 });
  });

  it("is quiet when nothing happened", () => {
    const group = new TestGroup(3);
    group.elect(1);
    for (const { raft } of group.replicas.values()) expect(raft.hasReady()).toBe(false);
    group.tick(2, 1);
    expect(group.node(2).hasReady()).toBe(false);
    group.tick(1, 1);
    expect(count(group.node(1).ready().messages, "heartbeat")).toBe(2);
  });
});

describe("a message that does not belong here", () => {
  it("is refused when only a local worker may send it", () => {
    const { raft } = new TestGroup(3).at(1);
    const answer = {
      type: "storage-apply-response",
      from: 2,
      to: 1,
      term: 0,
      entries: [],
    } as const;
    expect(raft.step(answer)).toBe("not-a-peer-message");
  });

  it("is refused when it is an answer of a stranger", () => {
    const { raft } = new TestGroup(3).at(1);
    const answer = {
      type: "heartbeat-response",
      from: 9,
      to: 1,
      term: 0,
      readSequence: 0,
    } as const;
    expect(raft.step(answer)).toBe("unknown-sender");
  });

  it("has no effect when it is of an earlier term, but its leader learns of the later one", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.loses = ({ from, to }) => from === 1 || to === 1;
    group.node(2).forgetLeader();
    group.node(3).forgetLeader();
    group.elect(2);
    group.loses = () => false;
    expect(group.node(1).role).toBe("leader");
    group.tick(1, 1);
    group.settle();
    expect([group.node(1).role, group.node(1).term]).toEqual(["follower", 2]);
  });
});

describe("a vote", () => {
  const request = {
    type: "vote-request",
    from: 2,
    to: 1,
    term: 1,
    lastIndex: 0,
    lastTerm: 0,
    force: false,
  } as const;

  it("tells what is committed when it is refused", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.node(1).propose(small);
    group.settle();
    group.node(3).forgetLeader();
    group.node(3).step({ ...request, to: 3, term: 5 });
    group.work(3);
    expect(group.messages.at(-1)).toMatchObject({
      type: "vote-response",
      reject: true,
      commit: 2,
      commitTerm: 1,
    });
  });

  it("teaches a candidate what is committed, where the logs agree", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.node(1).propose(small);
    // Everyone has the entry, nobody but the leader knows that it is committed.
    group.loses = (message) => message.type === "append" && message.commit > 1;
    group.settle();
    const candidate = group.node(2);
    expect([candidate.lastIndex, candidate.commitIndex]).toEqual([2, 1]);
    candidate.campaign({ force: true });
    const refusal = { type: "vote-response", from: 1, to: 2, term: 2, reject: true } as const;
    candidate.step({ ...refusal, commit: 2, commitTerm: 9 });
    expect(candidate.commitIndex).toBe(1);
    candidate.step({ ...refusal, commit: 2, commitTerm: 1 });
    expect(candidate.commitIndex).toBe(2);
  });

  it("teaches what is committed when it is asked for, and when a later term refuses it", () => {
    const entries = [{ type: "normal", index: 1, term: 1, data: small }] as const;
    const message = { type: "append", from: 2, to: 1, term: 1, prevIndex: 0, prevTerm: 0 } as const;
    const hint = { commit: 1, commitTerm: 1 };
    const asked = new TestGroup(3).node(1);
    asked.step({ ...message, commit: 0, entries });
    asked.step({ ...request, term: 1, ...hint });
    expect(asked.commitIndex).toBe(1);
    const refused = new TestGroup(3).node(1);
    refused.step({ ...message, commit: 0, entries });
    refused.step({ type: "vote-response", from: 3, to: 1, term: 5, reject: true, ...hint });
    expect([refused.term, refused.commitIndex]).toEqual([5, 1]);
  });

  it("is not given while a leader is alive, unless it is forced", () => {
    const group = new TestGroup(3);
    group.elect(1);
    const last = { lastIndex: 9, lastTerm: 9 };
    group.node(3).step({ ...request, ...last, to: 3, term: 7 });
    expect(group.node(3).term).toBe(1);
    group.node(3).step({ ...request, ...last, to: 3, term: 7, force: true });
    expect(group.node(3).status()).toMatchObject({ term: 7, vote: 2 });
  });
});

describe("a candidate", () => {
  it("follows whoever won its term, also when that one sends a snapshot first", () => {
    const group = new TestGroup(3, { preVote: false });
    const candidate = group.node(1);
    candidate.campaign();
    const { confState } = candidate.status();
    const snapshot = { index: 3, term: 1, confState, data: undefined };
    candidate.step({ type: "snapshot", from: 2, to: 1, term: 1, snapshot });
    expect(candidate.status()).toMatchObject({ role: "follower", leader: 2, lastIndex: 3 });
  });
});

describe("leadership", () => {
  it("is taken back when the target of a transfer does not answer in time", () => {
    const group = new TestGroup(3, { electionTicks: 5, checkQuorum: false });
    const leader = group.elect(1);
    group.loses = ({ to }) => to === 2;
    leader.transferLeadership(2);
    expect(leader.propose(small)).toEqual({ accepted: false, reason: "transferring" });
    group.settle();
    group.tick(1, 5);
    expect(leader.propose(small).accepted).toBe(true);
  });

  it("is handed over only when the target has every entry", () => {
    const group = new TestGroup(3, { maxBytesPerMessage: 1, maxInflightMessages: 1 });
    const leader = group.elect(1);
    group.loses = ({ to }) => to === 2;
    leader.proposeBatch([small, small, small]);
    group.settle();
    leader.transferLeadership(2);
    const handed: number[] = [];
    group.loses = ({ type }) => {
      if (type === "timeout-now") handed.push(group.node(2).lastIndex);
      return false;
    };
    group.tick(1, 1);
    group.settle();
    expect(handed).toEqual([4]);
    expect(group.node(2).role).toBe("leader");
  });

  it("moves when a follower is asked to move it", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.node(3).transferLeadership(2);
    group.settle();
    expect(group.node(2).role).toBe("leader");
  });

  it("is not given to a replica that must first apply a configuration", () => {
    const group = new TestGroup(2, { checkQuorum: false, preVote: false });
    const leader = group.elect(1);
    const changes = [{ kind: "add-learner", replica: 3 }] as const;
    leader.proposeConfChange({ transition: "auto", changes });
    group.work(1);
    for (const message of group.messages.splice(0)) group.node(2).step(message);
    group.work(2);
    for (const message of group.messages.splice(0)) group.node(1).step(message);
    group.work(1);
    for (const message of group.messages.splice(0)) group.node(2).step(message);
    // Committed, handed out by no Ready yet.
    expect(group.node(2).commitIndex).toBe(2);
    expect(group.node(2).campaign()).toBe(false);
    group.work(2);
    expect(group.node(2).campaign()).toBe(true);
  });

  it("is forgotten on request, except where reads rest on it", () => {
    const group = new TestGroup(3);
    group.elect(1);
    expect(group.node(2).forgetLeader()).toBe("done");
    expect(group.node(2).leader).toBe(NO_REPLICA);
    const leased = new TestGroup(3, { readMode: "lease" });
    leased.elect(1);
    expect(leased.node(2).forgetLeader()).toBe("ignored-for-lease");
    expect(leased.node(2).leader).toBe(1);
  });
});

describe("reads", () => {
  it("of a single voter wait for its own term too", () => {
    const group = new TestGroup(1, { preVote: false });
    group.node(1).campaign();
    group.work(1);
    expect(group.node(1).role).toBe("leader");
    expect(group.node(1).readIndex(1)).toEqual({ accepted: true });
    expect(group.node(1).ready().readStates).toEqual([]);
  });

  it("share a round of heartbeats and come back in order", () => {
    const group = new TestGroup(3);
    const leader = group.elect(1);
    for (const context of [1, 2, 3]) leader.readIndex(context);
    group.settle();
    const reads = group.at(1).readies.flatMap((ready) => ready.readStates);
    expect(reads.map(({ context }) => context)).toEqual([1, 2, 3]);
  });

  it("are confirmed by a majority and not by one answer", () => {
    const group = new TestGroup(5);
    const leader = group.elect(1);
    leader.readIndex(1);
    const readStates = () => group.at(1).readies.flatMap((ready) => ready.readStates);
    group.loses = ({ from, type }) => type === "heartbeat-response" && from !== 2;
    group.settle();
    expect(readStates()).toEqual([]);
    group.loses = ({ from, type }) => type === "heartbeat-response" && from !== 3;
    group.tick(1, 1);
    group.settle();
    expect(readStates()).toEqual([{ index: 1, context: 1 }]);
  });

  it("are not answered by a leader that was replaced", () => {
    const group = new TestGroup(3);
    const old = group.elect(1);
    group.loses = ({ from, to }) => from === 1 || to === 1;
    for (const id of [2, 3]) group.node(id).forgetLeader();
    group.elect(2);
    old.readIndex(1);
    group.settle();
    group.loses = () => false;
    group.tick(1, 1);
    group.settle();
    expect(group.at(1).readies.flatMap((ready) => ready.readStates)).toEqual([]);
  });

  it("stop at their limit, and without a leader", () => {
    const group = new TestGroup(3, { maxPendingReads: 1 });
    expect(group.node(1).readIndex(1)).toEqual({ accepted: false, reason: "no-leader" });
    const leader = group.elect(1);
    expect(leader.readIndex(1).accepted).toBe(true);
    expect(leader.readIndex(2)).toEqual({ accepted: false, reason: "too-many-reads" });
  });

  it("with a lease are answered at once", () => {
    const group = new TestGroup(3, { readMode: "lease" });
    const leader = group.elect(1);
    leader.readIndex(5);
    expect(leader.ready().readStates).toEqual([{ index: 1, context: 5 }]);
  });
});

describe("a restart", () => {
  it("takes the commit hint for a hint", () => {
    const storage = MemoryStorage.withVoters([1, 2]);
    storage.append([{ type: "normal", index: 1, term: 1, data: undefined }]);
    storage.setHardState({ term: 1, vote: 1, commit: 7 });
    const ahead = new RaftNode({ id: 1, storage, random: () => 0 });
    expect(ahead.commitIndex).toBe(1);
    storage.setHardState({ term: 1, vote: 1, commit: 0 });
    const behind = new RaftNode({ id: 1, storage, random: () => 0, applied: 1 });
    expect([behind.commitIndex, behind.appliedIndex]).toEqual([1, 1]);
  });

  it("stops when the application is ahead of the log", () => {
    const storage = MemoryStorage.withVoters([1]);
    expect(() => new RaftNode({ id: 1, storage, random: () => 0, applied: 3 })).toThrow(
      "applied 3",
    );
  });
});
