import { describe, expect, it } from "vitest";
import { MemoryStorage } from "../memory/memory-storage.ts";
import type { Message } from "./messages.ts";
import type { RaftOptions } from "./options.ts";
import { RaftNode } from "./raft-node.ts";
import type { Status } from "./status.ts";
import { type ConfChange, type ConfChangeStep, EMPTY_CONF_STATE, type ReplicaId } from "./types.ts";

/** Replica 1, leading 2 and 3 in term 1, whose storage is done at once. */
class Leader {
  readonly storage = MemoryStorage.withVoters([1, 2, 3]);
  readonly raft: RaftNode;

  constructor(options: Pick<RaftOptions, "maxUncommittedBytes" | "maxBytesPerMessage"> = {}) {
    const { storage } = this;
    this.raft = new RaftNode({ id: 1, storage, random: () => 0, preVote: false, ...options });
    this.raft.campaign();
    this.work();
    this.raft.step({ type: "vote-response", from: 2, to: 1, term: 1, reject: false });
    this.work();
    this.acknowledge(2, 1);
    this.acknowledge(3, 1);
    this.work();
  }

  /** Does everything that is due; answers what was sent. */
  work(): readonly Message[] {
    const sent: Message[] = [];
    while (this.raft.hasReady()) {
      const ready = this.raft.ready();
      this.storage.append(ready.entries);
      if (ready.hardState !== undefined) this.storage.setHardState(ready.hardState);
      sent.push(...ready.messages);
      for (const entry of ready.committedEntries) {
        if (entry.type === "conf-change") this.raft.applyConfChange(entry.change);
      }
      this.raft.advance(ready);
    }
    return sent;
  }

  acknowledge(from: ReplicaId, index: number): void {
    const hints = { reject: false, hintIndex: 0, hintTerm: 0 };
    this.raft.step({ type: "append-response", from, to: 1, term: 1, index, ...hints });
  }

  progressOf(id: ReplicaId): Status["progress"][number] | undefined {
    return this.raft.status().progress.find((progress) => progress.id === id);
  }
}

describe("a leader", () => {
  it("counts itself as streamed to from the start", () => {
    const storage = MemoryStorage.withVoters([1]);
    const raft = new RaftNode({ id: 1, storage, random: () => 0, preVote: false });
    raft.campaign();
    raft.advance(raft.ready());
    expect(raft.role).toBe("leader");
    expect(raft.status().progress[0]?.state).toBe("replicate");
  });

  it("ends a probe by an answer that is not old, and by no other", () => {
    const leader = new Leader();
    leader.raft.propose(Uint8Array.of(1));
    leader.work();
    leader.acknowledge(2, 2);
    leader.raft.reportUnreachable(2);
    expect(leader.progressOf(2)?.state).toBe("probe");
    leader.acknowledge(2, 1);
    expect(leader.progressOf(2)?.state).toBe("probe");
    leader.acknowledge(2, 2);
    expect(leader.progressOf(2)?.state).toBe("replicate");
  });

  it("sends to a new member as soon as it is one", () => {
    const leader = new Leader();
    leader.raft.proposeConfChange({
      transition: "auto",
      changes: [{ kind: "add-learner", replica: 4 }],
    });
    leader.work();
    leader.acknowledge(2, 2);
    expect(leader.work().some(({ type, to }) => type === "append" && to === 4)).toBe(true);
  });

  it("fills the window at once when a message holds less than what is missing", () => {
    const leader = new Leader({ maxBytesPerMessage: 0 });
    for (let i = 0; i < 4; i++) leader.raft.propose(Uint8Array.of(i));
    leader.work();
    leader.acknowledge(2, 2);
    const sent = leader.work().filter(({ type, to }) => type === "append" && to === 2);
    expect(sent).toMatchObject([{ prevIndex: 2 }, { prevIndex: 3 }, { prevIndex: 4 }]);
  });

  it("heartbeats at its own pace, and drops a transfer that takes an election timeout", () => {
    const leader = new Leader();
    leader.raft.propose(Uint8Array.of(1));
    leader.raft.transferLeadership(3);
    expect(leader.raft.propose(Uint8Array.of(2))).toMatchObject({ reason: "transferring" });
    for (let i = 0; i < 10; i++) leader.raft.tick();
    expect(leader.raft.propose(Uint8Array.of(2))).toMatchObject({ accepted: true });
  });
});

/** Whether an append without entries told `to` of this commit index. */
function tells(sent: readonly Message[], to: ReplicaId, commit: number): boolean {
  return sent.some(
    (message) => message.type === "append" && message.to === to && message.commit === commit,
  );
}

describe("a read at a leader", () => {
  it("asks at once, and one of two followers is enough", () => {
    const leader = new Leader();
    leader.raft.readIndex(7);
    const asked = leader.work().filter(({ type }) => type === "heartbeat");
    expect(asked).toMatchObject([
      { to: 2, readSequence: 1 },
      { to: 3, readSequence: 1 },
    ]);
    const answer = { type: "heartbeat-response", from: 3, to: 1, term: 1 } as const;
    leader.raft.step({ ...answer, readSequence: 1 });
    expect(leader.raft.ready().readStates).toEqual([{ index: 1, context: 7 }]);
  });
});

describe("what a leader believes of a follower", () => {
  it("is that it may have missed a commit index that a heartbeat told lower since", () => {
    const leader = new Leader();
    leader.raft.propose(Uint8Array.of(1));
    leader.work();
    leader.acknowledge(2, 2);
    // Tells 3 that 2 is committed; say that it is lost.
    expect(tells(leader.work(), 3, 2)).toBe(true);
    leader.raft.tick();
    const heartbeats = leader.work().filter(({ type }) => type === "heartbeat");
    expect(heartbeats).toContainEqual(expect.objectContaining({ to: 3, commit: 1 }));
    leader.acknowledge(3, 2);
    expect(tells(leader.work(), 3, 2)).toBe(true);
  });

  it.each([
    ["delivered", 3],
    ["failed", 1],
  ] as const)("after a snapshot that was %s is that it needs %i next", (outcome, next) => {
    const leader = leaderThatSentSnapshot();
    expect(leader.progressOf(3)).toMatchObject({ state: "snapshot", next: 3 });
    leader.raft.reportSnapshot(3, outcome);
    expect(leader.progressOf(3)).toMatchObject({ state: "probe", next, isPaused: true });
  });

  it("is forgotten when it was removed and is added again, not when it is promoted or demoted", () => {
    const leader = new Leader();
    leader.raft.applyConfChange(oneStep("add-learner", 4));
    leader.acknowledge(4, 1);
    leader.raft.applyConfChange(oneStep("add-voter", 4));
    expect(leader.progressOf(4)?.match).toBe(1);
    leader.raft.applyConfChange(oneStep("add-learner", 4));
    expect(leader.progressOf(4)?.match).toBe(1);
    leader.raft.applyConfChange(oneStep("remove", 4));
    leader.raft.applyConfChange(oneStep("add-learner", 4));
    expect(leader.progressOf(4)?.match).toBe(0);
  });
});

function oneStep(kind: ConfChangeStep["kind"], replica: ReplicaId): ConfChange {
  return { transition: "auto", changes: [{ kind, replica }] };
}

/** Its log is dropped through entry 2, and replica 3, which joins, has none of it. */
function leaderThatSentSnapshot(): Leader {
  const leader = new Leader();
  leader.raft.applyConfChange(oneStep("remove", 3));
  leader.raft.propose(Uint8Array.of(1));
  leader.work();
  leader.acknowledge(2, 2);
  leader.work();
  const voters = { ...EMPTY_CONF_STATE, voters: [1, 2, 3] };
  leader.storage.createSnapshot(2, voters, Uint8Array.of(1));
  leader.storage.compact(2);
  leader.raft.applyConfChange(oneStep("add-voter", 3));
  expect(leader.work()).toContainEqual(expect.objectContaining({ type: "snapshot", to: 3 }));
  return leader;
}

describe("a new leader", () => {
  it("gives its followers a whole election timeout, however long its candidacy took", () => {
    const storage = MemoryStorage.withVoters([1, 2, 3]);
    const raft = new RaftNode({ id: 1, storage, random: () => 0, preVote: false });
    raft.campaign();
    for (let i = 0; i < 9; i++) raft.tick();
    raft.advance(raft.ready());
    raft.step({ type: "vote-response", from: 2, to: 1, term: 1, reject: false });
    expect(raft.role).toBe("leader");
    for (let i = 0; i < 9; i++) raft.tick();
    expect(raft.role).toBe("leader");
    raft.tick();
    expect(raft.role).toBe("follower");
  });

  it("counts what was applied once against what it may still take", () => {
    const bytes = new Uint8Array(100);
    const leader = new Leader({ maxUncommittedBytes: 150 });
    leader.raft.propose(bytes);
    leader.work();
    leader.acknowledge(2, 2);
    leader.work();
    expect(leader.raft.propose(bytes)).toMatchObject({ accepted: true });
    leader.work();
    expect(leader.raft.propose(bytes)).toMatchObject({ reason: "too-many-bytes" });
  });
});

describe("a settled replica", () => {
  it("leads, has everything applied, and so have all followers", () => {
    const leader = new Leader();
    expect(leader.raft.isSettled()).toBe(true);
    leader.raft.propose(Uint8Array.of(1));
    expect(leader.raft.isSettled()).toBe(false);
    leader.work();
    leader.acknowledge(2, 2);
    leader.work();
    expect(leader.raft.isSettled()).toBe(false);
    expect(leader.raft.isSettled((id) => id === 3)).toBe(true);
    leader.acknowledge(3, 2);
    leader.work();
    expect(leader.raft.isSettled()).toBe(true);
  });

  it("streams to its followers: one that is probed may miss something", () => {
    const leader = new Leader();
    leader.raft.reportUnreachable(3);
    expect(leader.raft.isSettled()).toBe(false);
    expect(leader.raft.isSettled((id) => id === 3)).toBe(true);
  });

  it("has no read and no transfer under way", () => {
    const reading = new Leader();
    reading.raft.readIndex(1);
    expect(reading.raft.isSettled()).toBe(false);
    const handing = new Leader();
    handing.raft.transferLeadership(2);
    expect(handing.raft.isSettled()).toBe(false);
  });

  it("follows a known leader, with everything applied", () => {
    const storage = MemoryStorage.withVoters([1, 2, 3]);
    storage.append([{ type: "normal", index: 1, term: 1, data: Uint8Array.of(1) }]);
    storage.setHardState({ term: 1, vote: 2, commit: 0 });
    const raft = new RaftNode({ id: 1, storage, random: () => 0 });
    expect(raft.isSettled()).toBe(false);
    raft.step({ type: "heartbeat", from: 2, to: 1, term: 1, commit: 0, readSequence: 0 });
    expect(raft.isSettled()).toBe(false);
    raft.step({ type: "heartbeat", from: 2, to: 1, term: 1, commit: 1, readSequence: 0 });
    raft.advance(raft.ready());
    expect(raft.isSettled()).toBe(true);
    raft.forgetLeader();
    expect(raft.isSettled()).toBe(false);
  });

  it("is no candidate", () => {
    const storage = MemoryStorage.withVoters([1, 2, 3]);
    const raft = new RaftNode({ id: 1, storage, random: () => 0 });
    raft.campaign();
    raft.advance(raft.ready());
    expect(raft.isSettled()).toBe(false);
  });
});
