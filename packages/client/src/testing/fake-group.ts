import type { ServerDuplexStream } from "@grpc/grpc-js";
import { CodedError } from "@stratalog/base";
import {
  type CommitOffsetsRequest,
  type FetchOffsetsRequest,
  type GroupCommit,
  type GroupSessionRequest,
  type GroupSessionResponse,
  type GroupState,
  type Input,
  toWireError,
} from "@stratalog/protocol";
import { partitionKey, type TopicPartition, ungroup } from "../core/topic-partition.ts";
import type { FakeCluster } from "./fake-cluster.ts";

type Session = ServerDuplexStream<GroupSessionRequest, Input<GroupSessionResponse>>;

interface Member {
  readonly memberId: string;
  session: Session | undefined;
  epoch: number;
  revision: number;
  topics: readonly string[];
  /** What it says it owns. */
  owned: ReadonlySet<string>;
  assigned: readonly string[];
}

/**
 * A group's coordinator for SDK tests: shares out by turns, one owner at a time, fenced commits.
 */
export class FakeGroup {
  readonly #cluster: FakeCluster;
  readonly members = new Map<string, Member>();
  readonly offsets = new Map<string, number>();
  readonly commits: (readonly string[])[] = [];
  coordinator = 1;
  /** Whether the group has no coordinator. */
  isGone = false;
  pings = 0;

  constructor(cluster: FakeCluster) {
    this.#cluster = cluster;
    for (const broker of cluster.brokers) {
      broker.extra.set("GroupService", {
        findCoordinator: () => {
          if (this.isGone) throw new CodedError("COORDINATOR_NOT_AVAILABLE", "gone by the test");
          const { port } = cluster.broker(this.coordinator);
          return { brokerId: this.coordinator, host: "127.0.0.1", port };
        },
        fetchOffsets: (request: FetchOffsetsRequest) => this.#fetch(request),
        commitOffsets: (request: CommitOffsetsRequest) => this.#commitByCall(request),
      });
      // The definition's decoder made these messages.
      broker.groupSession = (call) => this.#onSession(call as Session);
    }
  }

  /** Puts a member out, as a session timeout does. */
  fence(memberId: string): void {
    const member = this.members.get(memberId);
    this.members.delete(memberId);
    const error = toWireError(new CodedError("UNKNOWN_MEMBER", "fenced by the test"));
    member?.session?.write({ fenced: { error } });
    this.#rebalance();
  }

  /** Breaks the streams of all members, who stay members. */
  breakStreams(): void {
    for (const member of this.members.values()) {
      member.session?.emit("error", { code: 14, details: "broken by the test" });
      member.session = undefined;
    }
  }

  #onSession(session: Session): void {
    let member: Member | undefined;
    const onLost = (): void => {
      if (member?.session === session) member.session = undefined;
    };
    session.on("error", onLost);
    // A stream whose client died is cancelled, it neither fails nor ends.
    session.on("cancelled", onLost);
    session.on("end", () => session.end());
    session.on("data", (message: GroupSessionRequest) => {
      if (message.join !== undefined) member = this.#join(session, message.join);
      if (member === undefined) return;
      if (message.state !== undefined) this.#onState(member, message.state);
      if (message.ping !== undefined) {
        this.pings++;
        session.write({ pong: { sequence: message.ping.sequence } });
      }
      if (message.commit !== undefined) this.#onCommit(member, message.commit);
      if (message.leave !== undefined) {
        this.members.delete(member.memberId);
        session.end();
        this.#rebalance();
      }
    });
  }

  #join(session: Session, join: NonNullable<GroupSessionRequest["join"]>): Member | undefined {
    const { memberId, memberEpoch, topics } = join;
    const known = memberEpoch > 0 ? this.members.get(memberId) : undefined;
    if (memberEpoch > 0 && known === undefined) {
      const error = toWireError(new CodedError("UNKNOWN_MEMBER", memberId));
      session.write({ fenced: { error } });
      return undefined;
    }
    const member: Member = known ?? {
      memberId,
      session,
      epoch: 1,
      revision: 0,
      topics,
      owned: new Set(),
      assigned: [],
    };
    member.session = session;
    this.members.set(memberId, member);
    session.write({
      welcome: {
        memberId,
        memberEpoch: member.epoch,
        pingIntervalMs: 100,
        sessionTimeoutMs: 1_000,
      },
    });
    // What it was told while it had no stream is lost: it is told again.
    if (known === undefined) this.#rebalance();
    else this.#assign(member);
    return member;
  }

  #onState(member: Member, state: GroupState): void {
    if (state.revision !== member.revision) return;
    member.owned = new Set(ungroup(state.owned).map(partitionKey));
    this.#push();
  }

  #onCommit(member: Member, commit: GroupCommit): void {
    const refusal = this.#refusalOf(member, commit.offsets);
    if (refusal === undefined) this.#store(commit.offsets);
    const error = refusal === undefined ? undefined : toWireError(refusal);
    member.session?.write({
      committed: { correlation: commit.correlation, ...(error && { error }) },
    });
  }

  /** Only a member that is one, and only of what it owns, stores offsets. */
  #refusalOf(member: Member, offsets: readonly TopicPartition[]): CodedError | undefined {
    const { memberId } = member;
    if (this.members.get(memberId) !== member) return new CodedError("UNKNOWN_MEMBER", memberId);
    const stale = offsets.find((each) => !member.owned.has(partitionKey(each)));
    if (stale === undefined) return undefined;
    return new CodedError("FENCED_MEMBER_EPOCH", partitionKey(stale));
  }

  #commitByCall(request: CommitOffsetsRequest): object {
    if (request.memberId !== "") {
      const member = this.members.get(request.memberId);
      if (member === undefined) throw new CodedError("UNKNOWN_MEMBER", request.memberId);
      const refusal = this.#refusalOf(member, request.offsets);
      if (refusal !== undefined) throw refusal;
    }
    this.#store(request.offsets);
    return {};
  }

  #store(offsets: readonly (TopicPartition & { readonly offset: number })[]): void {
    this.commits.push(offsets.map((each) => `${partitionKey(each)}@${each.offset}`));
    for (const each of offsets) this.offsets.set(partitionKey(each), each.offset);
  }

  #fetch(request: FetchOffsetsRequest): object {
    return {
      offsets: request.partitions.flatMap(({ topic, partitions }) =>
        partitions.map((partition) => ({
          topic,
          partition,
          offset: this.offsets.get(partitionKey({ topic, partition })) ?? -1,
        })),
      ),
    };
  }

  /** New targets for all: partitions by turns. */
  #rebalance(): void {
    const members = [...this.members.values()];
    for (const member of members) {
      member.epoch++;
      member.assigned = [];
    }
    const topics = new Set(members.flatMap((member) => member.topics));
    for (const topic of topics) {
      const takers = members.filter((member) => member.topics.includes(topic));
      for (const [partition] of (this.#cluster.topics.get(topic) ?? []).entries()) {
        const taker = takers[partition % takers.length];
        if (taker !== undefined) taker.assigned = [...taker.assigned, `${topic}/${partition}`];
      }
    }
    this.#push();
  }

  /** Tells members what to own: of their target, what nobody else still owns. */
  #push(): void {
    for (const member of this.members.values()) {
      const free = this.#freeFor(member);
      const told = [...member.owned].filter((key) => member.assigned.includes(key));
      if (told.length === member.owned.size && free.length === told.length && member.revision > 0) {
        continue;
      }
      this.#assign(member);
    }
  }

  #freeFor(member: Member): readonly string[] {
    const others = [...this.members.values()].filter((each) => each !== member);
    return member.assigned.filter((key) => !others.some((each) => each.owned.has(key)));
  }

  #assign(member: Member): void {
    member.revision++;
    member.session?.write({
      assign: {
        memberEpoch: member.epoch,
        revision: member.revision,
        assigned: this.#freeFor(member).map((key) => {
          const [topic = "", partition = "0"] = key.split("/");
          return { topic, partitions: [Number(partition)] };
        }),
      },
    });
  }
}
