import type { GroupId, MemberId, TopicId } from "@stratalog/base";
import { beforeEach, describe, expect, it } from "vitest";
import { describeGroup } from "./describe.ts";
import { emptyGroups, type GroupsState } from "./group.ts";
import { type GroupCommand, handle } from "./group-command.ts";
import { type PartitionKey, partitionKey } from "./partition-key.ts";
import { replayAll } from "./replay.ts";

const GROUP = "billing" as GroupId;
const RETENTION_MS = 604_800_000;
const ORDERS = "topic-orders" as TopicId;
const A = "00000000-0000-4000-8000-00000000000a" as MemberId;
const B = "00000000-0000-4000-8000-00000000000b" as MemberId;

let state: GroupsState;
let partitionCount: number;
let nowMs: number;

beforeEach(() => {
  state = emptyGroups();
  partitionCount = 4;
  nowMs = 1_700_000_000_000;
});

function attempt(command: GroupCommand) {
  const topics = {
    byName: (name: string) => (name === "orders" ? { topicId: ORDERS, partitionCount } : undefined),
    namesWithPrefix: (prefix: string) => ["orders"].filter((name) => name.startsWith(prefix)),
  };
  const result = handle(state, command, { nowMs, topics });
  if (result.ok) state = replayAll(state, result.records);
  return result;
}

function run(command: GroupCommand) {
  const result = attempt(command);
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  return result.response;
}

function codeOf(command: GroupCommand): string {
  const result = attempt(command);
  return result.ok ? "accepted" : result.code;
}

function join(memberId: MemberId, rest: Partial<Extract<GroupCommand, { type: "join" }>> = {}) {
  return {
    type: "join" as const,
    groupId: GROUP,
    memberId,
    memberEpoch: 0,
    revision: 0,
    clientId: "test",
    topics: ["orders"],
    sessionTimeoutMs: 45_000,
    rebalanceTimeoutMs: 60_000,
    assignor: "uniform" as const,
    owned: new Set<PartitionKey>(),
    ...rest,
  };
}

function member(memberId: MemberId) {
  const found = state.groups.get(GROUP)?.members.get(memberId);
  if (found === undefined) throw new Error(`no member ${memberId}`);
  return found;
}

function keys(...partitions: number[]): ReadonlySet<PartitionKey> {
  return new Set(partitions.map((partition) => partitionKey(ORDERS, partition)));
}

function assigned(memberId: MemberId): number[] {
  return [...member(memberId).assigned.keys()]
    .map((key) => Number(key.split(":")[1]))
    .toSorted((a, b) => a - b);
}

function report(memberId: MemberId, partitions: number[], revision = member(memberId).revision) {
  const { memberEpoch } = member(memberId);
  const owned = keys(...partitions);
  return { type: "report" as const, groupId: GROUP, memberId, memberEpoch, revision, owned };
}

function commit(
  memberId: MemberId | undefined,
  memberEpoch: number,
  partition: number,
  offset = 5,
) {
  return {
    type: "commit-offsets" as const,
    groupId: GROUP,
    ...(memberId === undefined ? {} : { member: { memberId, memberEpoch } }),
    offsets: [{ topic: "orders", partition, offset, metadata: "" }],
  };
}

describe("moving partitions", () => {
  it("goes through revocation: nobody gets a partition before its owner let go", () => {
    run(join(A));
    expect(assigned(A)).toEqual([0, 1, 2, 3]);
    run(join(B));
    expect(member(A)).toMatchObject({ state: "revoking", memberEpoch: 1 });
    expect(assigned(A)).toEqual([0, 1]);
    expect(member(B)).toMatchObject({ state: "waiting", memberEpoch: 2 });
    expect(assigned(B)).toEqual([]);
    run(report(A, [0, 1, 3]));
    expect(assigned(B)).toEqual([2]);
    run(report(A, [0, 1]));
    expect(assigned(B)).toEqual([2, 3]);
    expect(member(A)).toMatchObject({ state: "stable", memberEpoch: 2 });
    expect(member(B)).toMatchObject({ state: "stable", memberEpoch: 2 });
  });

  it("does not take a report for a release that was sent before the assignment was seen", () => {
    run(join(A));
    const { revision } = member(A);
    partitionCount = 6;
    run({ type: "topics-changed", deleted: [] });
    run(join(B));
    expect(member(A).revoking.size).toBe(3);
    run(report(A, [0, 1, 2, 3], revision));
    expect(assigned(B)).toEqual([]);
    expect(member(A).revoking.size).toBe(3);
  });

  it("takes partitions at once from members that leave or whose time is up", () => {
    run(join(A));
    run(join(B));
    run({ type: "leave", groupId: GROUP, memberId: A });
    expect(assigned(B)).toEqual([0, 1, 2, 3]);
    expect(codeOf({ type: "leave", groupId: GROUP, memberId: A })).toBe("UNKNOWN_MEMBER");
  });

  it("removes a member that does not give up what it was told to, but not one that did", () => {
    run(join(A));
    run(join(B));
    const { revision } = member(A);
    const expire = { type: "expire-member" as const, groupId: GROUP, memberId: A };
    run({ ...expire, reason: "rebalance-timeout", revision: revision - 1 });
    expect(assigned(A)).toEqual([0, 1]);
    run({ ...expire, reason: "rebalance-timeout", revision });
    expect(assigned(B)).toEqual([0, 1, 2, 3]);
    run({ ...expire, reason: "session-timeout", revision: 0 });
  });

  it("does not disturb members by topics that stay the same", () => {
    run(join(A));
    const before = state;
    run({ type: "topics-changed", deleted: [] });
    expect(state).toBe(before);
  });
});

describe("joining", () => {
  it("resumes with an epoch and no more than what was given", () => {
    run(join(A));
    const before = state;
    run(join(A, { memberEpoch: 1, owned: keys(0, 1, 2, 3) }));
    expect(state).toBe(before);
    expect(codeOf(join(A, { memberEpoch: 1, owned: keys(9) }))).toBe("FENCED_MEMBER_EPOCH");
    expect(codeOf(join(A, { memberEpoch: 2 }))).toBe("FENCED_MEMBER_EPOCH");
    expect(codeOf(join(B, { memberEpoch: 1 }))).toBe("UNKNOWN_MEMBER");
  });

  it("anew frees what the member had and gives it back with a later revision", () => {
    run(join(A));
    const { revision } = member(A);
    run(join(A));
    expect(assigned(A)).toEqual([0, 1, 2, 3]);
    expect(member(A).revision).toBeGreaterThan(revision);
  });

  it("under a static name takes the predecessor's place", () => {
    run(join(A, { instanceId: "one" }));
    run(join(B, { instanceId: "one" }));
    expect(state.groups.get(GROUP)?.members.size).toBe(1);
    expect(assigned(B)).toEqual([0, 1, 2, 3]);
    expect(codeOf(report(B, [0, 1, 2, 3]))).toBe("accepted");
  });

  it.each([
    [{ groupId: "a/b" as GroupId }, "INVALID_GROUP_ID"],
    [{ groupId: "" as GroupId }, "INVALID_GROUP_ID"],
    [{ groupId: "g".repeat(250) as GroupId }, "INVALID_GROUP_ID"],
    [{ memberId: "me" as MemberId }, "INVALID_REQUEST"],
    [{ topics: [] }, "INVALID_REQUEST"],
    [{ sessionTimeoutMs: 999 }, "INVALID_REQUEST"],
    [{ rebalanceTimeoutMs: 1_800_001 }, "INVALID_REQUEST"],
    [{ clientId: "c".repeat(256) }, "INVALID_REQUEST"],
  ])("refuses %j with %s", (rest, code) => {
    expect(codeOf(join(A, rest))).toBe(code);
  });

  it("waits for topics that do not exist yet", () => {
    run(join(A, { topics: ["later"] }));
    expect(describeGroup(state.groups.get(GROUP)!)).toMatchObject({ state: "stable" });
    expect(assigned(A)).toEqual([]);
  });
});

describe("reports", () => {
  it("that claim too much or come from the future are fenced", () => {
    run(join(A));
    expect(codeOf(report(A, [0, 7]))).toBe("FENCED_MEMBER_EPOCH");
    expect(codeOf(report(A, [0], 99))).toBe("FENCED_MEMBER_EPOCH");
    expect(codeOf({ ...report(A, [0]), memberEpoch: 5 })).toBe("FENCED_MEMBER_EPOCH");
  });
});

describe("commits", () => {
  it("count for what the member kept, also from an earlier epoch, and not for what moved", () => {
    run(join(A));
    run(commit(A, 1, 3));
    run(join(B));
    run(commit(A, 1, 3, 6));
    run(report(A, [0, 1]));
    expect(codeOf(commit(A, 1, 3))).toBe("FENCED_MEMBER_EPOCH");
    run(commit(A, 1, 0));
    run(commit(A, 2, 0, 7));
    expect(codeOf(commit(B, 1, 3))).toBe("FENCED_MEMBER_EPOCH");
    run(commit(B, 2, 3, 8));
    expect(codeOf(commit(A, 9, 0))).toBe("FENCED_MEMBER_EPOCH");
    const offsets = state.groups.get(GROUP)?.offsets;
    expect(offsets?.get(partitionKey(ORDERS, 3))).toMatchObject({ offset: 8, topic: "orders" });
  });

  it("by hand make the group, and are refused while it has members", () => {
    run(commit(undefined, 0, 2));
    expect(describeGroup(state.groups.get(GROUP)!)).toMatchObject({ state: "empty" });
    run(join(A));
    expect(codeOf(commit(undefined, 0, 2))).toBe("UNKNOWN_MEMBER");
    expect(codeOf(commit(B, 1, 2))).toBe("UNKNOWN_MEMBER");
  });

  it("are all stored or none", () => {
    const { offsets } = commit(undefined, 0, 0);
    const bad = [
      [{ ...offsets[0]!, partition: 4 }, "UNKNOWN_TOPIC_OR_PARTITION"],
      [{ ...offsets[0]!, topic: "none" }, "UNKNOWN_TOPIC_OR_PARTITION"],
      [{ ...offsets[0]!, partition: 1, offset: -1 }, "INVALID_REQUEST"],
      [{ ...offsets[0]!, partition: 1, metadata: "m".repeat(4_097) }, "INVALID_REQUEST"],
      [offsets[0]!, "INVALID_REQUEST"],
    ] as const;
    for (const [second, code] of bad) {
      expect(codeOf({ ...commit(undefined, 0, 0), offsets: [...offsets, second] })).toBe(code);
    }
    partitionCount = 100;
    const many = Array.from({ length: 65 }, (_, partition) => {
      return { ...offsets[0]!, partition, metadata: "m".repeat(4_096) };
    });
    expect(codeOf({ ...commit(undefined, 0, 0), offsets: many })).toBe("INVALID_REQUEST");
    expect(state.groups.size).toBe(0);
  });
});

describe("groups", () => {
  it("are deleted when nobody is in them", () => {
    const remove = { type: "delete-group" as const, groupId: GROUP };
    expect(codeOf(remove)).toBe("GROUP_NOT_FOUND");
    run(join(A));
    expect(codeOf(remove)).toBe("GROUP_NOT_EMPTY");
    run({ type: "leave", groupId: GROUP, memberId: A });
    run(remove);
    expect(state.groups.size).toBe(0);
  });

  it("expire a retention after the last member or commit, never with members", () => {
    const expire = { type: "expire-groups" as const, retentionMs: RETENTION_MS };
    run(join(A));
    nowMs += 10 * RETENTION_MS;
    expect(run(expire)).toEqual({ deletedCount: 0 });
    run({ type: "leave", groupId: GROUP, memberId: A });
    nowMs += RETENTION_MS - 1;
    run(commit(undefined, 0, 0));
    nowMs += RETENTION_MS - 1;
    expect(run(expire)).toEqual({ deletedCount: 0 });
    nowMs += 1;
    expect(run(expire)).toEqual({ deletedCount: 1 });
  });

  it("forget the offsets of deleted topics", () => {
    run(commit(undefined, 0, 0));
    run({ type: "topics-changed", deleted: [ORDERS] });
    expect(state.groups.get(GROUP)?.offsets.size).toBe(0);
  });

  it("are described by names", () => {
    run(join(A));
    run(commit(A, 1, 1));
    expect(describeGroup(state.groups.get(GROUP)!)).toMatchObject({
      groupId: GROUP,
      state: "stable",
      groupEpoch: 1,
      assignmentEpoch: 1,
      assignor: "uniform",
      members: [
        {
          memberId: A,
          clientId: "test",
          instanceId: "",
          owned: [{ topic: "orders", partitions: [0, 1, 2, 3] }],
          target: [{ topic: "orders", partitions: [0, 1, 2, 3] }],
        },
      ],
      offsets: [{ topic: "orders", partition: 1, offset: 5 }],
    });
  });
});
