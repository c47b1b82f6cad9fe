import { assert, type GroupId, type TopicId } from "@stratalog/base";
import type { CommitOffsets } from "../core/commands/commit-offsets.ts";
import { emptyGroups, type Group, type GroupsState, wantsTopic } from "../core/group.ts";
import { type GroupCommand, handle } from "../core/group-command.ts";
import { holdersOf } from "../core/owned-partitions.ts";
import { type PartitionKey, parsePartitionKey, partitionKey } from "../core/partition-key.ts";
import { recordFromJson, recordToJson } from "../core/records.ts";
import { replayAll } from "../core/replay.ts";
import { decodeSnapshot, encodeSnapshot } from "../core/snapshot.ts";
import type { AssignorName } from "../core/group.ts";
import { ModelMember } from "./model-member.ts";
import { checkMoves } from "./sticky-oracle.ts";

const GROUP = "billing" as GroupId;
const SETTLE_ROUNDS_MAX = 60;

/** One group, its coordinator, its members and everything on the way between them. */
export class GroupWorld {
  state: GroupsState = emptyGroups();
  nowMs = 1_000;
  readonly members: readonly ModelMember[] = [1, 2, 3, 4].map((number) => new ModelMember(number));
  readonly topics = new Map<string, { topicId: TopicId; partitionCount: number }>();
  /** Who could commit for a partition in an epoch: never two, in the whole history. */
  readonly #ownersAtEpochs = new Map<string, string>();
  readonly #assignor: AssignorName;
  #topicNumber = 0;

  constructor(assignor: AssignorName) {
    this.#assignor = assignor;
    this.setTopic("a", 5);
  }

  get group(): Group | undefined {
    return this.state.groups.get(GROUP);
  }

  /** Creates a topic, or grows it; a topic never shrinks. */
  setTopic(name: string, partitionCount: number): void {
    const known = this.topics.get(name);
    this.#topicNumber += known === undefined ? 1 : 0;
    const topicId = known?.topicId ?? (`topic-${name}-${this.#topicNumber}` as TopicId);
    const count = Math.max(partitionCount, known?.partitionCount ?? 0);
    this.topics.set(name, { topicId, partitionCount: count });
    this.run({ type: "topics-changed", deleted: [] });
  }

  deleteTopic(name: string): void {
    const topic = this.topics.get(name);
    this.topics.delete(name);
    const deleted = topic === undefined ? [] : [topic.topicId];
    this.run({ type: "topics-changed", deleted });
  }

  /** Handles a command as the leader does; answers the refusal's code. */
  run(command: GroupCommand): string | undefined {
    this.nowMs += 1_000;
    const before = this.state;
    const topics = {
      byName: (name: string) => this.topics.get(name),
      namesWithPrefix: (prefix: string) => {
        return [...this.topics.keys()].filter((name) => name.startsWith(prefix)).toSorted();
      },
    };
    const result = handle(this.state, command, { nowMs: this.nowMs, topics });
    if (!result.ok) return result.code;
    const records = result.records.map((record) => recordFromJson(throughText(record)));
    this.state = replayAll(this.state, records);
    checkMoves(before.groups.get(GROUP), this.group);
    this.#noteOwners();
    for (const member of this.members) this.#push(member, before);
    return undefined;
  }

  /** Joins; `answer` "lost": the group hears it, the member hears nothing back. */
  join(member: ModelMember, how: { readonly isAnew: boolean; readonly answer: "heard" | "lost" }) {
    if (how.isAnew) member.drop();
    member.breakStream();
    const { memberId, epoch: memberEpoch, revision, owned, topics, prefixes } = member;
    const refusal = this.run({
      type: "join",
      groupId: GROUP,
      memberId,
      memberEpoch,
      revision,
      owned,
      clientId: "model",
      topics,
      ...(prefixes.length === 0 ? {} : { prefixes }),
      sessionTimeoutMs: 45_000,
      rebalanceTimeoutMs: 60_000,
      assignor: this.#assignor,
    });
    if (refusal === undefined) member.isFenced = false;
    if (how.answer === "lost") return;
    if (refusal !== undefined) return member.drop();
    member.isIn = true;
    member.isConnected = true;
    this.#pushLatest(member);
  }

  /** The next leader has the state; what was on its way is lost, and streams come back. */
  failOver(): void {
    const bytes = encodeSnapshot(this.state);
    const loaded = decodeSnapshot(bytes);
    assert(loaded.ok, "a snapshot can be read");
    this.state = loaded.value;
    assert(isSameBytes(encodeSnapshot(this.state), bytes), "a snapshot makes the same state");
    for (const member of this.members) {
      if (member.isIn) this.join(member, { isAnew: false, answer: "heard" });
    }
  }

  /** The group puts a member out, which does not hear of it. */
  expire(member: ModelMember): void {
    const { memberId } = member;
    const expiry = { reason: "session-timeout" as const, revision: 0 };
    this.run({ type: "expire-member", groupId: GROUP, memberId, ...expiry });
    member.breakStream();
    member.isFenced = member.isIn;
  }

  leave(member: ModelMember): void {
    member.drop();
    this.run({ type: "leave", groupId: GROUP, memberId: member.memberId });
  }

  deliverReport(member: ModelMember): void {
    const report = member.reports.shift();
    if (report === undefined) return;
    const { epoch: memberEpoch, revision, partitions: owned } = report;
    const { memberId } = member;
    const refusal = this.run({
      type: "report",
      groupId: GROUP,
      memberId,
      memberEpoch,
      revision,
      owned,
    });
    if (refusal !== undefined) member.drop();
  }

  /**
   * A member's commit of one thing it works on, in the epoch that it knows: taken from a member,
   * refused from one that was put out.
   */
  commit(member: ModelMember): void {
    const key = [...member.owned][0];
    if (key === undefined) return;
    const { topicId, partition } = parsePartitionKey(key);
    const name = [...this.topics].find(([, topic]) => topic.topicId === topicId)?.[0];
    if (name === undefined) return;
    const { memberId, epoch: memberEpoch } = member;
    const offsets: CommitOffsets["offsets"] = [
      { topic: name, partition, offset: this.nowMs, metadata: "" },
    ];
    const command = { groupId: GROUP, member: { memberId, memberEpoch }, offsets };
    const refusal = this.run({ type: "commit-offsets", ...command });
    const expected = member.isFenced ? "UNKNOWN_MEMBER" : undefined;
    assert(refusal === expected, `the commit of ${memberId} was answered ${refusal ?? "done"}`);
  }

  /** Lets everybody come back who can, everything arrive, and the dead time out. */
  settle(): void {
    this.run({ type: "topics-changed", deleted: [] });
    for (const member of this.members) {
      if (!member.isIn) this.expire(member);
      else if (!member.isConnected) this.join(member, { isAnew: false, answer: "heard" });
    }
    for (let round = 0; round < SETTLE_ROUNDS_MAX; round++) {
      for (const member of this.members) {
        while (member.pushes.length > 0) member.carryOut();
        while (member.reports.length > 0) this.deliverReport(member);
      }
      if (this.members.every(({ pushes }) => pushes.length === 0)) return;
    }
    throw new Error("the group does not settle");
  }

  /** No partition is worked on by two members that are in. */
  check(): void {
    if (this.group !== undefined) holdersOf(this.group);
    const workers = new Set<PartitionKey>();
    for (const member of this.members) {
      if (member.isFenced) continue;
      for (const key of member.owned) {
        assert(!workers.has(key), `${key} is worked on twice`);
        workers.add(key);
      }
    }
  }

  /** Everything that the group's members want and that exists. */
  wanted(): ReadonlySet<PartitionKey> {
    const wanted = new Set<PartitionKey>();
    const members = [...(this.group?.members.values() ?? [])];
    for (const [name, { topicId, partitionCount }] of this.topics) {
      if (!members.some((member) => wantsTopic(member, name))) continue;
      for (let i = 0; i < partitionCount; i++) wanted.add(partitionKey(topicId, i));
    }
    return wanted;
  }

  #noteOwners(): void {
    for (const { memberId, memberEpoch, assigned, revoking } of this.group?.members.values() ??
      []) {
      for (const key of [...assigned.keys(), ...revoking.keys()]) {
        const place = `${key}@${memberEpoch}`;
        const earlier = this.#ownersAtEpochs.get(place) ?? memberId;
        assert(earlier === memberId, `${place} was ${earlier}'s and is ${memberId}'s`);
        this.#ownersAtEpochs.set(place, memberId);
      }
    }
  }

  #push(member: ModelMember, before: GroupsState): void {
    const now = this.group?.members.get(member.memberId);
    const old = before.groups.get(GROUP)?.members.get(member.memberId);
    const isNews = now !== undefined && now.revision !== old?.revision;
    if (member.isConnected && isNews) this.#pushLatest(member);
  }

  #pushLatest(member: ModelMember): void {
    const now = this.group?.members.get(member.memberId);
    if (now === undefined) return;
    const { memberEpoch: epoch, revision, assigned } = now;
    member.pushes.push({ epoch, revision, partitions: new Set(assigned.keys()) });
  }
}

/** As it comes back from the log. */
function throughText(record: Parameters<typeof recordToJson>[0]): unknown {
  return JSON.parse(JSON.stringify(recordToJson(record)));
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
