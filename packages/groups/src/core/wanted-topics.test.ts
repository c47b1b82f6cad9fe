import type { GroupId, MemberId, TopicId } from "@stratalog/base";
import { beforeEach, describe, expect, it } from "vitest";
import { describeGroup } from "./describe.ts";
import { emptyGroups, type Group, type GroupsState, isLaterPartition } from "./group.ts";
import { type GroupCommand, handle } from "./group-command.ts";
import { replayAll } from "./replay.ts";
import { decodeSnapshot, encodeSnapshot } from "./snapshot.ts";

const GROUP = "billing" as GroupId;
const A = "00000000-0000-4000-8000-00000000000a" as MemberId;
const B = "00000000-0000-4000-8000-00000000000b" as MemberId;
const DAY_MS = 86_400_000;

let state: GroupsState;
let nowMs: number;
let topics: Map<string, number>;

beforeEach(() => {
  state = emptyGroups();
  nowMs = 1_700_000_000_000;
  topics = new Map([["orders", 3]]);
});

function id(name: string): TopicId {
  return `topic-${name}` as TopicId;
}

function attempt(command: GroupCommand): string {
  const view = {
    byName: (name: string) => {
      const partitionCount = topics.get(name);
      return partitionCount === undefined ? undefined : { topicId: id(name), partitionCount };
    },
    namesWithPrefix: (prefix: string) => {
      return [...topics.keys()].filter((name) => name.startsWith(prefix)).toSorted();
    },
  };
  const result = handle(state, command, { nowMs, topics: view });
  if (!result.ok) return result.code;
  state = replayAll(state, result.records);
  return "accepted";
}

function join(
  memberId: MemberId,
  wishes: { readonly topics?: string[]; readonly prefixes?: string[] },
): string {
  return attempt({
    type: "join",
    groupId: GROUP,
    memberId,
    memberEpoch: 0,
    revision: 0,
    clientId: "test",
    topics: wishes.topics ?? [],
    prefixes: wishes.prefixes ?? [],
    sessionTimeoutMs: 45_000,
    rebalanceTimeoutMs: 60_000,
    assignor: "uniform",
    owned: new Set(),
  });
}

function change(name: string, partitionCount: number): void {
  topics.set(name, partitionCount);
  attempt({ type: "topics-changed", deleted: [] });
}

function group(): Group {
  const found = state.groups.get(GROUP);
  if (found === undefined) throw new Error("no group");
  return found;
}

/** Partitions of a topic that count as come later. */
function later(name: string): number[] {
  const all = Array.from({ length: topics.get(name) ?? 0 }, (_, partition) => partition);
  return all.filter((partition) => isLaterPartition(group(), id(name), partition));
}

describe("a subscription by prefix", () => {
  it("takes in the topics that there are and those that come", () => {
    join(A, { prefixes: ["shop."] });
    expect(describeGroup(group()).members[0]?.owned).toEqual([]);
    change("shop.orders", 2);
    change("other", 2);
    expect(describeGroup(group()).members[0]).toMatchObject({
      topics: [],
      prefixes: ["shop."],
      owned: [{ topic: "shop.orders", partitions: [0, 1] }],
    });
    change("shop.payments", 1);
    expect(describeGroup(group()).members[0]?.owned).toHaveLength(2);
  });

  it("stands beside names, and shares with members that name the topic", () => {
    change("orders.archive", 1);
    join(A, { topics: ["orders"] });
    join(B, { topics: ["orders"], prefixes: ["orders"] });
    const targets = describeGroup(group()).members.map(({ target }) => target);
    expect(targets[1]).toContainEqual({ topic: "orders.archive", partitions: [0] });
    expect(targets[0]).toHaveLength(1);
  });

  it("is refused when it is empty or wants nothing", () => {
    expect(join(A, { prefixes: [""] })).toBe("INVALID_REQUEST");
    expect(join(A, {})).toBe("INVALID_REQUEST");
    expect(join(A, { prefixes: ["p".repeat(256)] })).toBe("INVALID_REQUEST");
  });
});

describe("partitions that come after the group began to read their topic", () => {
  it("are told from those that were there", () => {
    join(A, { topics: ["orders"] });
    expect(later("orders")).toEqual([]);
    change("orders", 5);
    expect(later("orders")).toEqual([3, 4]);
  });

  it("are told also when nobody was in the group as they came, and after a snapshot", () => {
    join(A, { topics: ["orders"] });
    attempt({ type: "leave", groupId: GROUP, memberId: A });
    change("orders", 4);
    const loaded = decodeSnapshot(encodeSnapshot(state));
    if (loaded.ok) state = loaded.value;
    join(B, { topics: ["orders"] });
    expect(later("orders")).toEqual([3]);
  });

  it("are all partitions of a topic that a member was waiting for", () => {
    join(A, { topics: ["orders", "late"], prefixes: ["shop."] });
    topics.set("late", 2);
    topics.set("shop.x", 2);
    // Another member comes before the news of the topics does.
    join(B, { topics: ["late"] });
    expect(later("late")).toEqual([0, 1]);
    expect(later("shop.x")).toEqual([0, 1]);
  });

  it("are none of a topic that the group turns to only now", () => {
    change("payments", 2);
    join(A, { topics: ["orders"] });
    join(B, { topics: ["orders", "payments"] });
    expect(later("payments")).toEqual([]);
  });

  it("are forgotten with the topic", () => {
    join(A, { topics: ["orders"] });
    attempt({ type: "topics-changed", deleted: [id("orders")] });
    expect(group().begun.size).toBe(0);
  });
});

describe("offsets of a topic that no member wants any more", () => {
  const expire = { type: "expire-groups" as const, retentionMs: 7 * DAY_MS };

  it("expire a retention after the last commit, and the others stay", () => {
    topics.set("payments", 2);
    join(A, { topics: ["orders", "payments"] });
    const member = { memberId: A, memberEpoch: 1 };
    const offset = { partition: 1, offset: 5, metadata: "" };
    const offsets = ["orders", "payments"].map((topic) => ({ topic, ...offset }));
    attempt({ type: "commit-offsets", groupId: GROUP, member, offsets });
    join(A, { topics: ["orders"] });
    nowMs += 7 * DAY_MS - 1;
    attempt(expire);
    expect(group().offsets.size).toBe(2);
    nowMs += 1;
    attempt(expire);
    expect([...group().offsets.values()].map(({ topic }) => topic)).toEqual(["orders"]);
    expect([...group().begun.keys()]).toEqual([id("orders")]);
  });
});
