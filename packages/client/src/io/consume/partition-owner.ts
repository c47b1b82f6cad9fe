import { CodedError, type Timer } from "@stratalog/base";
import type { Position } from "../../core/positions.ts";
import { fromPublicOffset } from "../../core/public-offset.ts";
import { partitionKey, type TopicPartition } from "../../core/topic-partition.ts";
import type { Cluster } from "../cluster.ts";
import { listOffsets, type OffsetQuestion } from "../list-offsets.ts";
import type { Scope } from "../scope.ts";
import { Committer } from "./committer.ts";
import type { ConsumerEvents, RevokeReason } from "./consumer-events.ts";
import type { AssignedPartition, ConsumerSettings } from "./consumer-options.ts";
import { GroupMember } from "./group-member.ts";
import type { PartitionReader } from "./partition-reader.ts";
import type { PartitionTable } from "./partition-table.ts";
import { startOffsets } from "./start-offsets.ts";

/** What an owner works with. */
export interface PartitionOwnerOptions {
  readonly settings: ConsumerSettings;
  readonly scope: Scope;
  readonly table: PartitionTable;
  readonly events: ConsumerEvents;
  /** Reads the partitions until another reader is set. */
  readonly reader: PartitionReader;
  /** Lets the reader look again: what it has may have changed. */
  readonly wake: () => void;
  /** Makes the reader throw. */
  readonly fail: (error: CodedError) => void;
}

const LEAVE_TIMEOUT_MS = 5_000;

/**
 * Which partitions a consumer has: takes them on and gives them up as its group says, commits how
 * far its reader is, and lets everything go when the reader hangs.
 */
export class PartitionOwner {
  readonly #cluster: Cluster;
  readonly #options: PartitionOwnerOptions;
  readonly #settings: ConsumerSettings;
  readonly #scope: Scope;
  readonly #table: PartitionTable;
  readonly committer: Committer | undefined;
  /** What reads the partitions now. */
  reader: PartitionReader;
  #member: GroupMember | undefined;
  #starting: Promise<void> | undefined;
  /** Whether the reader hung, so that everything was let go; it joins again once it asks. */
  #isOut = false;
  #tickTimer: Timer | undefined;
  #isCommitting = false;
  #isClosing = false;

  constructor(cluster: Cluster, options: PartitionOwnerOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#settings = options.settings;
    this.#scope = options.scope;
    this.#table = options.table;
    this.reader = options.reader;
    const { group } = options.settings;
    this.committer = group === undefined ? undefined : new Committer(cluster, group);
    this.#scope.onClose(() => this.#tickTimer?.cancel());
  }

  /** Whether the consumer is being closed: its reader gets no more. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Begins when that has not happened, or not since the reader hung; the reader asks for more. */
  async begin(signal: AbortSignal | undefined): Promise<void> {
    if (this.#isOut) {
      await this.#scope.race(this.reader.idle(), signal);
      this.#isOut = false;
    }
    this.#starting ??= this.#start().catch((error: unknown) => {
      // The next loop tries again.
      this.#starting = undefined;
      throw error;
    });
    await this.#scope.race(this.#starting, signal);
  }

  /** Resolves when the group has been heard, when the event loop was blocked for long. */
  async caughtUp(): Promise<void> {
    await this.#member?.session.caughtUp();
  }

  /** Stores that everything before `end` is done before it is begun: it is never begun again. */
  async commitAhead(position: Position, end: number): Promise<void> {
    const { topic, partition } = position;
    await this.committer?.commit([{ topic, partition, offset: end }], this.#scope.signal);
    position.committed = end;
  }

  /** Ends reading, commits what is passed, and leaves the group. */
  async leave(timeoutMs: number, signal: AbortSignal): Promise<void> {
    this.close();
    if (this.#starting !== undefined) await this.#commitLast(signal);
    await this.#member?.leave(timeoutMs);
  }

  /** Lets the reader get no more. */
  close(): void {
    this.#isClosing = true;
    this.#options.wake();
  }

  async #start(): Promise<void> {
    const { assign, group } = this.#settings;
    this.#tick();
    if (assign === undefined && group !== undefined) this.#join(group);
    else await this.#assign(assign ?? []);
  }

  async #assign(wanted: readonly AssignedPartition[]): Promise<void> {
    const questions = wanted.flatMap(({ topic, partition, offset: at }): OffsetQuestion[] => {
      if (at === "earliest" || at === "latest") return [{ topic, partition, at }];
      if (typeof at !== "object") return [];
      return [{ topic, partition, at: { timestampMs: Number(at.timestamp) } }];
    });
    const found = await listOffsets(this.#cluster, questions, this.#scope.signal);
    const offsets = new Map(found.map((each) => [partitionKey(each), each.offset]));
    for (const { topic, partition, offset: at } of wanted) {
      if (this.#table.get({ topic, partition }) !== undefined) continue;
      const isPlain = typeof at === "bigint" || typeof at === "number";
      const offset = isPlain
        ? fromPublicOffset(at)
        : (offsets.get(partitionKey({ topic, partition })) ?? 0);
      this.#table.add({ topic, partition, offset, committed: -1 });
    }
    await this.#announce(this.#table.partitions());
  }

  /** Nothing of new partitions is read before everybody was told: a listener may seek. */
  async #announce(partitions: readonly TopicPartition[]): Promise<void> {
    for (const each of partitions) this.#table.pause(each, "news");
    this.#tell("assigned", partitions, "moved");
    await this.#options.events.emit("assigned", partitions, "moved");
    for (const each of partitions) {
      if (this.#table.get(each) !== undefined) this.#table.resume(each, "news");
    }
  }

  #join(groupId: string): void {
    const member = new GroupMember(this.#cluster, {
      groupId,
      settings: this.#settings,
      scope: this.#scope,
      heldMs: () => this.reader.heldMs(),
      host: {
        owned: () => this.#table.partitions(),
        giveUp: (partitions) => this.#giveUp(partitions),
        takeOn: (partitions, isWanted) => this.#takeOn(partitions, isWanted),
        lose: (error) => this.#onLost(error.message),
        fail: (error) => this.#options.fail(error),
      },
    });
    this.#member = member;
    if (this.committer !== undefined) this.committer.session = member.session;
  }

  async #takeOn(partitions: readonly TopicPartition[], isWanted: () => boolean): Promise<void> {
    const { group, reset } = this.#settings;
    const rules = { group, reset, signal: this.#scope.signal };
    const starts = await startOffsets(this.#cluster, partitions, rules);
    if (!isWanted()) return;
    for (const start of starts) this.#table.add(start);
    await this.#announce(partitions);
  }

  async #giveUp(partitions: readonly TopicPartition[]): Promise<void> {
    for (const each of partitions) this.#table.silence(each);
    this.#options.wake();
    await this.#scope.race(this.reader.leave(new Set(partitions.map(partitionKey))));
    await this.#commitLast(this.#scope.signal);
    await this.#letGo(partitions, "moved");
  }

  /** The group has put the member out; one whose reader hangs does not come back by itself. */
  #onLost(why: string): void {
    if (this.reader.heldMs() >= this.#settings.maxPollIntervalMs) this.#goOut();
    else this.#lose(why);
  }

  #lose(why: string): void {
    const partitions = this.#table.partitions();
    if (partitions.length === 0) return;
    this.#cluster.environment.logger.warn({ why }, "consumer lost its partitions");
    this.#letGo(partitions, "lost").catch((error: unknown) => {
      this.#options.fail(CodedError.from(error));
    });
  }

  /** Never says twice that a partition went: it may have been lost while the loop left it. */
  async #letGo(partitions: readonly TopicPartition[], reason: RevokeReason): Promise<void> {
    const ours = partitions.filter((each) => this.#table.get(each) !== undefined);
    for (const each of ours) {
      if (reason === "lost") this.reader.lose(partitionKey(each));
      this.#table.remove(each);
    }
    if (ours.length === 0) return;
    this.#tell("revoked", ours, reason);
    await this.#options.events.emit("revoked", ours, reason);
  }

  #tell(
    event: "assigned" | "revoked",
    partitions: readonly TopicPartition[],
    reason: RevokeReason,
  ): void {
    const { group } = this.#settings;
    // Partitions that a consumer chose itself are no group's doing.
    if (group === undefined || this.#member === undefined) return;
    this.#cluster.telemetry.rebalanced(event, { group, partitions, reason });
  }

  /** Commits before partitions go: with "before", what was stored ahead and not begun goes back. */
  async #commitLast(signal: AbortSignal): Promise<void> {
    const { commit } = this.#settings;
    if (commit === "before") this.#table.passDelivered();
    if (commit !== "manual") await this.#commitQuietly(signal);
  }

  /** Commits what the reader has passed; a failure is only logged: the next commit has it too. */
  async #commitQuietly(signal: AbortSignal): Promise<void> {
    const positions = this.#table.uncommitted();
    if (positions.length === 0) return;
    try {
      await this.committer?.commitPassed(positions, signal);
    } catch (error) {
      this.#cluster.environment.logger.warn({ error: String(error) }, "commit failed");
    }
  }

  /** Commits now and then, and sees to it that the reader goes on. */
  #tick(): void {
    if (this.#scope.isClosed || this.#isClosing) return;
    const { commitIntervalMs, commit, maxPollIntervalMs } = this.#settings;
    this.#tickTimer?.cancel();
    this.#tickTimer = this.#cluster.environment.timers.after(commitIntervalMs, () => this.#tick());
    if (commit === "after" && !this.#isCommitting) {
      this.#isCommitting = true;
      void this.#commitQuietly(this.#scope.signal).then(() => {
        this.#isCommitting = false;
      });
    }
    if (this.#member !== undefined && this.reader.heldMs() >= maxPollIntervalMs) this.#goOut();
  }

  /** The reader hangs: others get its partitions. It joins again when it asks for a record. */
  #goOut(): void {
    const member = this.#member;
    this.#isOut = true;
    this.#member = undefined;
    this.#starting = undefined;
    this.#tickTimer?.cancel();
    this.#lose(`one record has been in hand for ${this.#settings.maxPollIntervalMs} ms`);
    this.#options.wake();
    void member?.leave(LEAVE_TIMEOUT_MS);
  }
}
