import type { GroupId, MemberId, TopicId } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { handle, type GroupCommand } from "./group-command.ts";
import { emptyGroups, type Group, type GroupsState } from "./group.ts";
import { groupStateName } from "./describe.ts";
import { heldBy, holdersOf } from "./owned-partitions.ts";
import { parsePartitionKey, type PartitionKey, partitionKey } from "./partition-key.ts";
import { replayAll } from "./replay.ts";
import { decodeSnapshot, encodeSnapshot, recordsOf } from "./snapshot.ts";
import { recordFromJson, recordToJson } from "./records.ts";

// Goal: whatever members do and whatever is lost on the way, no partition is ever worked on by two
// of them, and once things settle each is worked on by one. Method: a model of clients with their
// own idea of what they own, messages in flight both ways that may be late or lost, coordinators
// that fail over, topics that grow and go.

const GROUP = "billing" as GroupId;
/** Histories per assignor; a longer hunt sets more. */
const HISTORIES = Number(process.env["STRATALOG_GROUP_HISTORIES"] ?? 600);

interface Push {
  readonly epoch: number;
  readonly revision: number;
  readonly assigned: ReadonlySet<PartitionKey>;
}

class Client {
  readonly memberId: MemberId;
  topics: readonly string[] = ["a"];
  isIn = false;
  epoch = 0;
  revision = 0;
  owned = new Set<PartitionKey>();
  readonly pushes: Push[] = [];
  readonly reports: Push[] = [];

  constructor(number: number) {
    this.memberId = `00000000-0000-4000-8000-${String(number).padStart(12, "0")}` as MemberId;
  }

  /** Out: gives everything up before it does anything else. */
  drop(): void {
    this.isIn = false;
    this.epoch = 0;
    this.revision = 0;
    this.owned = new Set();
    this.pushes.length = 0;
    this.reports.length = 0;
  }

  /** Carries out the next assignment and says so. */
  carryOut(): void {
    const push = this.pushes.shift();
    if (push === undefined) return;
    this.owned = new Set(push.assigned);
    this.epoch = push.epoch;
    this.revision = push.revision;
    this.reports.push({ ...push, assigned: new Set(push.assigned) });
  }
}

class World {
  state: GroupsState = emptyGroups();
  nowMs = 1_000;
  readonly clients = [1, 2, 3, 4].map((number) => new Client(number));
  readonly topics = new Map<string, { topicId: TopicId; partitionCount: number }>();
  #topicNumber = 0;
  readonly #assignor: "uniform" | "range";

  constructor(assignor: "uniform" | "range") {
    this.#assignor = assignor;
    this.setTopic("a", 5);
  }

  get group(): Group | undefined {
    return this.state.groups.get(GROUP);
  }

  setTopic(name: string, partitionCount: number): void {
    const known = this.topics.get(name);
    this.#topicNumber += known === undefined ? 1 : 0;
    const topicId = known?.topicId ?? (`topic-${name}-${this.#topicNumber}` as TopicId);
    const count = Math.max(partitionCount, known?.partitionCount ?? 0);
    this.topics.set(name, { topicId, partitionCount: count });
  }

  /** Handles a command as the leader does; answers the refusal's code. */
  run(command: GroupCommand): string | undefined {
    this.nowMs += 1_000;
    const before = this.state;
    const topics = { byName: (name: string) => this.topics.get(name) };
    const result = handle(this.state, command, { nowMs: this.nowMs, topics });
    if (!result.ok) return result.code;
    const records = result.records.map((record) => {
      return recordFromJson(JSON.parse(JSON.stringify(recordToJson(record))));
    });
    this.state = replayAll(this.state, records);
    for (const client of this.clients) this.#push(client, before);
    return undefined;
  }

  join(client: Client, isAnew: boolean): void {
    if (isAnew) client.drop();
    client.pushes.length = 0;
    client.reports.length = 0;
    const refusal = this.run({
      type: "join",
      groupId: GROUP,
      memberId: client.memberId,
      memberEpoch: client.epoch,
      revision: client.revision,
      clientId: "model",
      topics: client.topics,
      sessionTimeoutMs: 45_000,
      rebalanceTimeoutMs: 60_000,
      assignor: this.#assignor,
      owned: client.owned,
    });
    if (refusal !== undefined) return client.drop();
    client.isIn = true;
    client.pushes.length = 0;
    this.#pushLatest(client);
  }

  /**
   * The coordinator's next leader has the state; what was on its way is lost, and streams come
   * back.
   */
  failOver(): void {
    const loaded = decodeSnapshot(encodeSnapshot(this.state));
    if (!loaded.ok) throw new Error(loaded.reason);
    expect(recordsOf(loaded.value)).toEqual(recordsOf(this.state));
    this.state = loaded.value;
    for (const client of this.clients) if (client.isIn) this.join(client, false);
  }

  deliverReport(client: Client): void {
    const report = client.reports.shift();
    if (report === undefined) return;
    const { epoch, revision, assigned } = report;
    const { memberId } = client;
    const owned = new Set(assigned);
    const command = { groupId: GROUP, memberId, memberEpoch: epoch, revision, owned };
    const refusal = this.run({ type: "report", ...command });
    if (refusal !== undefined) client.drop();
  }

  /** A member's commit of what it owns, with the epoch that it knows. */
  commit(client: Client): string | undefined {
    const key = [...client.owned][0];
    if (key === undefined) return undefined;
    const { topicId, partition } = parsePartitionKey(key);
    const name = [...this.topics].find(([, topic]) => topic.topicId === topicId)?.[0];
    if (name === undefined) return undefined;
    return this.run({
      type: "commit-offsets",
      groupId: GROUP,
      member: { memberId: client.memberId, memberEpoch: client.epoch },
      offsets: [{ topic: name, partition, offset: this.nowMs, metadata: "" }],
    });
  }

  settle(): void {
    this.run({ type: "topics-changed", deleted: [] });
    for (let round = 0; round < 50; round++) {
      for (const client of this.clients) {
        while (client.pushes.length > 0) client.carryOut();
        while (client.reports.length > 0) this.deliverReport(client);
      }
      if (this.clients.every(({ pushes }) => pushes.length === 0)) return;
    }
    throw new Error("the group does not settle");
  }

  check(): void {
    if (this.group !== undefined) holdersOf(this.group);
    const workers = new Map<PartitionKey, Client>();
    for (const client of this.clients) {
      for (const key of client.owned) {
        expect(workers.has(key), `${key} is worked on twice`).toBe(false);
        workers.set(key, client);
      }
    }
  }

  #push(client: Client, before: GroupsState): void {
    const member = this.group?.members.get(client.memberId);
    const old = before.groups.get(GROUP)?.members.get(client.memberId);
    if (client.isIn && member !== undefined && member.revision !== old?.revision) {
      this.#pushLatest(client);
    }
  }

  #pushLatest(client: Client): void {
    const member = this.group?.members.get(client.memberId);
    if (member === undefined) return;
    const { memberEpoch, revision, assigned } = member;
    client.pushes.push({ epoch: memberEpoch, revision, assigned: new Set(assigned.keys()) });
  }
}

const at = fc.nat(3);
const action = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("join" as const),
      at,
      topics: fc.constantFrom(["a"], ["a", "b"], ["b"]),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("reconnect" as const), at }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant("carry-out" as const), at }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant("report" as const), at }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("lose-report" as const), at }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("leave" as const), at }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("expire" as const), at }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("commit" as const), at }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("fail-over" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("topic" as const),
      name: fc.constantFrom("a", "b"),
      count: fc.integer({ min: 0, max: 9 }),
    }),
  },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

function perform(world: World, step: Action): void {
  const client = world.clients["at" in step ? step.at : 0];
  if (client === undefined) return;
  switch (step.type) {
    case "join":
      client.topics = step.topics;
      return world.join(client, true);
    case "reconnect":
      if (client.isIn) world.join(client, false);
      return;
    case "carry-out":
      return client.carryOut();
    case "report":
      return world.deliverReport(client);
    case "lose-report":
      // A report is lost with its stream, and the member comes back on another one.
      if (client.isIn) world.join(client, false);
      return;
    case "leave":
    case "expire": {
      client.drop();
      const { memberId } = client;
      const leave = { groupId: GROUP, memberId };
      if (step.type === "leave") world.run({ type: "leave", ...leave });
      else world.run({ type: "expire-member", ...leave, reason: "session-timeout", revision: 0 });
      return;
    }
    case "commit":
      expect(world.commit(client)).toBeUndefined();
      return;
    case "fail-over":
      return world.failOver();
    case "topic":
      if (step.count === 0) {
        const deleted = world.topics.get(step.name);
        world.topics.delete(step.name);
        world.run({
          type: "topics-changed",
          deleted: deleted === undefined ? [] : [deleted.topicId],
        });
      } else {
        world.setTopic(step.name, step.count);
        world.run({ type: "topics-changed", deleted: [] });
      }
      return;
  }
}

function checkSettled(world: World): void {
  const { group } = world;
  const members = [...(group?.members.values() ?? [])];
  if (group === undefined || members.length === 0) return;
  expect(groupStateName(group)).toBe("stable");
  const wanted = new Set<PartitionKey>();
  for (const name of members.flatMap((member) => member.topics)) {
    const topic = world.topics.get(name);
    for (let i = 0; i < (topic?.partitionCount ?? 0); i++) {
      if (topic !== undefined) wanted.add(partitionKey(topic.topicId, i));
    }
  }
  const owned = world.clients.flatMap((client) => [...client.owned]);
  expect(owned.toSorted()).toEqual([...wanted].toSorted());
  for (const member of members) {
    const client = world.clients.find(({ memberId }) => memberId === member.memberId);
    expect([...heldBy(member).keys()].toSorted()).toEqual([...(client?.owned ?? [])].toSorted());
  }
  const isUniform = members.every((member) => member.topics.join() === members[0]?.topics.join());
  if (isUniform && group.assignor === "uniform") {
    const sizes = members.map((member) => member.assigned.size);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  }
}

describe.each(["uniform", "range"] as const)("a group with the %s assignor", (assignor) => {
  it("never has a partition worked on by two, and has each worked on by one once it settles", () => {
    let settledWithMembers = 0;
    fc.assert(
      fc.property(fc.array(action, { minLength: 10, maxLength: 80, size: "max" }), (actions) => {
        const world = new World(assignor);
        for (const step of actions) {
          perform(world, step);
          world.check();
        }
        world.settle();
        world.check();
        checkSettled(world);
        settledWithMembers += world.group?.members.size ?? 0;
      }),
      { numRuns: HISTORIES },
    );
    expect(settledWithMembers).toBeGreaterThan(HISTORIES / 2);
  });
});
