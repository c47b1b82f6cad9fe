import { CodedError, deferred, type Deferred, randomUuid, type Timer } from "@stratalog/base";
import {
  fromWireError,
  type GroupAssign,
  type GroupSessionRequest,
  type GroupSessionResponse,
  type Input,
  type PartitionOffset,
} from "@stratalog/protocol";
import { backoffMs, RETRY_BACKOFF } from "../../core/backoff.ts";
import { isEndOfStream } from "../../core/end-of-stream.ts";
import { groupByTopic, type TopicPartition, ungroup } from "../../core/topic-partition.ts";
import type { OutgoingStream } from "../../ports/transport.ts";
import type { Cluster } from "../cluster.ts";
import { findCoordinator } from "../group-calls.ts";
import { Scope } from "../scope.ts";
import type { ConsumerSettings } from "./consumer-options.ts";

/** What the coordinator wants the member to own. */
export interface Assignment {
  readonly revision: number;
  readonly partitions: readonly TopicPartition[];
}

/** Hears a session. */
export interface GroupSessionListener {
  onAssign(assignment: Assignment): void;
  /** The member is out: everything it owned may be somebody else's by now. It joins again. */
  onLost(error: CodedError): void;
  /** The group does not want this member; the session is over. */
  onFatal(error: CodedError): void;
}

interface PendingCommit {
  readonly done: Deferred<void>;
}

/** A coordinator that answers no ping for this long is looked for anew. */
const SILENT_MS = 6_000;
const PING_MS_MAX = 2_000;
/** Longer than any pause between two answers of a coordinator that is well. */
const QUIET_MS = 3_000;
/** A timer that is this late says that the event loop was blocked: silence was our own then. */
const BLOCKED_MS = 1_000;
const COMMITS_MAX = 64;
/** Largest number that the field takes: 49 days. */
const BUSY_MS_MAX = 0xffff_ffff;

/**
 * One member's session with its group's coordinator, wherever that goes. Pings by a timer of its
 * own, so that a slow loop does not cost the membership. A broken stream is not a leave: the member
 * comes back with its epoch and what it owns, unless the session timed out meanwhile.
 */
export class GroupSession {
  readonly #cluster: Cluster;
  readonly #scope: Scope;
  readonly #groupId: string;
  readonly #settings: ConsumerSettings;
  readonly #listener: GroupSessionListener;
  readonly #heldMs: () => number;
  readonly memberId: string;
  #epoch = 0;
  #revision = 0;
  #owned: readonly TopicPartition[] = [];
  #stream: OutgoingStream<Input<GroupSessionRequest>> | undefined;
  #isJoined = false;
  /** Whether the coordinator may count the member in: it asked to be, and was not told it is out. */
  #mayBeIn = false;
  #isLeaving = false;
  /** On the stream that is there. */
  #hasSaidGoodbye = false;
  /** Ends the wait before the next stream. */
  #hurry = new AbortController();
  #heardMs = 0;
  #pingTimer: Timer | undefined;
  #pingSequence = 0;
  #correlation = 0;
  readonly #commits = new Map<number, PendingCommit>();
  readonly #running: Promise<void>;

  constructor(
    cluster: Cluster,
    options: {
      readonly groupId: string;
      readonly settings: ConsumerSettings;
      readonly scope: Scope;
      /** Milliseconds for which the oldest record has been in hand; 0 for none. */
      readonly heldMs: () => number;
      readonly listener: GroupSessionListener;
    },
  ) {
    this.#cluster = cluster;
    this.#groupId = options.groupId;
    this.#settings = options.settings;
    this.#listener = options.listener;
    this.#heldMs = options.heldMs;
    this.#scope = new Scope("group session", cluster.environment.timers, options.scope);
    this.memberId = randomUuid(cluster.environment.random);
    this.#scope.onClose(() => this.#cut());
    this.#running = this.#run();
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Whether the coordinator counts the member in right now. */
  get isJoined(): boolean {
    return this.#isJoined;
  }

  /**
   * Resolves when the coordinator was heard a moment ago, or the member is out, or that took too
   * long: after a block of the event loop nobody knows what the group has done meanwhile.
   */
  async caughtUp(): Promise<void> {
    if (this.#epoch === 0 || this.#nowMs() - this.#heardMs < QUIET_MS) return;
    const heard = deferred<void>();
    this.#hearers.push(() => heard.resolve());
    const limit = new AbortController();
    const patience = this.#scope.sleep(SILENT_MS, limit.signal).catch(() => {
      // Heard in time, or the session is over.
    });
    await Promise.race([heard.promise, patience]);
    limit.abort();
  }

  /** Says that the member owns exactly this, having carried out an assignment. */
  acknowledge(revision: number, owned: readonly TopicPartition[]): void {
    this.#revision = revision;
    this.#owned = owned;
    this.#write({
      state: { memberEpoch: this.#epoch, revision, owned: groupByTopic(owned) },
    });
  }

  /** Commits through the session. Rejects as the coordinator says, or when the stream breaks. */
  async commit(offsets: readonly Input<PartitionOffset>[]): Promise<void> {
    if (!this.#isJoined) {
      throw new CodedError("COORDINATOR_NOT_AVAILABLE", "the member is not in its group right now");
    }
    if (this.#commits.size >= COMMITS_MAX) {
      throw new CodedError("THROTTLED", `${COMMITS_MAX} commits are on their way`);
    }
    const correlation = ++this.#correlation;
    const done = deferred<void>();
    this.#commits.set(correlation, { done });
    this.#write({ commit: { correlation, memberEpoch: this.#epoch, offsets } });
    await done.promise;
  }

  /**
   * Leaves the group, trying for at most `timeoutMs`; then the session is over. A member without a
   * stream comes back to leave: else the group would wait for it for a session timeout.
   */
  async leave(timeoutMs: number): Promise<void> {
    this.#isLeaving = true;
    if (this.#isJoined) this.#sayGoodbye();
    this.#hurry.abort();
    const limit = new AbortController();
    const patience = this.#scope.sleep(timeoutMs, limit.signal).catch(() => {
      // The coordinator answered first, or the client was closed.
    });
    await Promise.race([this.#mayBeIn ? this.#running : undefined, patience]);
    limit.abort();
    this.#scope.close();
    await this.#running;
  }

  #hearers: (() => void)[] = [];

  #wakeHearers(): void {
    for (const resolve of this.#hearers.splice(0)) resolve();
  }

  #sayGoodbye(): void {
    this.#hasSaidGoodbye = true;
    this.#write({ leave: {} });
    this.#stream?.end();
  }

  async #run(): Promise<void> {
    const { random } = this.#cluster.environment;
    for (let attempt = 1; !this.#isOver(); attempt++) {
      try {
        const heardBefore = this.#heardMs;
        await this.#runStream();
        if (this.#heardMs > heardBefore) attempt = 0;
      } catch (thrown) {
        const error = CodedError.from(thrown);
        this.#noteFarewell(error);
        if (this.#isOver()) return;
        // CLOSED is what our own cancelling of a stream looks like.
        if (!error.retriable && error.code !== "CLOSED") {
          if (!this.#isLeaving) this.#listener.onFatal(error);
          return;
        }
        this.#cluster.environment.logger.debug({ error: error.message }, "group session");
      }
      this.#checkSession();
      const hurry = this.#isLeaving ? undefined : this.#hurry.signal;
      await this.#scope
        .sleep(backoffMs(RETRY_BACKOFF, Math.max(attempt, 1), random), hurry)
        .catch(() => {
          // The scope was closed, which ends the loop, or the member is to leave at once.
        });
    }
  }

  #isOver(): boolean {
    return this.#scope.isClosed || (this.#isLeaving && !this.#mayBeIn);
  }

  /** After a goodbye, a stream that ends in good order says that the member is out. */
  #noteFarewell(error: CodedError): void {
    if (this.#isLeaving && this.#hasSaidGoodbye && isEndOfStream(error)) this.#mayBeIn = false;
  }

  /** Lives through one stream; rejects with why it ended. */
  async #runStream(): Promise<void> {
    const { connection } = await findCoordinator(this.#cluster, this.#groupId, this.#scope.signal);
    this.#scope.check();
    const ended = deferred<void>();
    const stream = connection.open("GroupService", "groupSession", {
      onMessage: (message) => this.#onMessage(message),
      onEnd: (error) => ended.reject(error),
    });
    this.#stream = stream;
    this.#hasSaidGoodbye = false;
    this.#join();
    try {
      await ended.promise;
    } finally {
      this.#onStreamEnd(stream);
    }
  }

  #join(): void {
    const { topics, topicPrefixes, instanceId, assignor } = this.#settings;
    const { sessionTimeoutMs, rebalanceTimeoutMs, maxPollIntervalMs } = this.#settings;
    this.#mayBeIn = true;
    this.#write({
      join: {
        groupId: this.#groupId,
        memberId: this.memberId,
        memberEpoch: this.#epoch,
        revision: this.#revision,
        owned: this.#epoch === 0 ? [] : groupByTopic(this.#owned),
        topics,
        topicPrefixes,
        instanceId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        maxPollIntervalMs,
        assignor,
        clientId: this.#cluster.options.clientId,
      },
    });
  }

  #onMessage(message: GroupSessionResponse): void {
    this.#heardMs = this.#nowMs();
    const { welcome, assign, committed, fenced, moved } = message;
    if (welcome !== undefined) {
      this.#epoch = welcome.memberEpoch;
      this.#isJoined = true;
      this.#schedulePing(Math.min(PING_MS_MAX, Math.max(100, welcome.pingIntervalMs)));
      if (this.#isLeaving) this.#sayGoodbye();
    }
    if (assign !== undefined && !this.#isLeaving) this.#onAssign(assign);
    if (committed !== undefined) {
      const pending = this.#commits.get(committed.correlation);
      this.#commits.delete(committed.correlation);
      if (committed.error === null) pending?.done.resolve();
      else pending?.done.reject(fromWireError(committed.error));
    }
    if (fenced?.error !== undefined && fenced.error !== null) {
      this.#onFenced(fromWireError(fenced.error));
    }
    if (moved !== undefined) this.#stream?.cancel();
    this.#wakeHearers();
  }

  #onAssign(assign: GroupAssign): void {
    this.#epoch = assign.memberEpoch;
    const partitions = ungroup(assign.assigned);
    this.#listener.onAssign({ revision: assign.revision, partitions });
  }

  #onFenced(error: CodedError): void {
    const canRejoin = error.code === "FENCED_MEMBER_EPOCH" || error.code === "UNKNOWN_MEMBER";
    if (canRejoin || error.retriable) {
      if (canRejoin) this.#lose(error);
      this.#stream?.cancel();
      return;
    }
    this.#scope.close();
    this.#listener.onFatal(error);
  }

  #lose(error: CodedError): void {
    this.#epoch = 0;
    this.#revision = 0;
    this.#owned = [];
    this.#mayBeIn = false;
    this.#listener.onLost(error);
    this.#wakeHearers();
  }

  /** Nobody heard of for a session's length: the group has given this member up by now. */
  #checkSession(): void {
    if (this.#epoch === 0 || this.#nowMs() - this.#heardMs < this.#settings.sessionTimeoutMs) {
      return;
    }
    this.#lose(
      new CodedError(
        "COORDINATOR_NOT_AVAILABLE",
        `no coordinator of ${this.#groupId} for ${this.#settings.sessionTimeoutMs} ms`,
      ),
    );
  }

  #schedulePing(intervalMs: number): void {
    this.#pingTimer?.cancel();
    const dueMs = this.#nowMs() + intervalMs;
    this.#pingTimer = this.#cluster.environment.timers.after(intervalMs, () => {
      const nowMs = this.#nowMs();
      if (nowMs - dueMs < BLOCKED_MS && nowMs - this.#heardMs > SILENT_MS) {
        this.#stream?.cancel();
        return;
      }
      const busyMs = Math.min(BUSY_MS_MAX, Math.round(this.#heldMs()));
      this.#write({ ping: { sequence: ++this.#pingSequence, busyMs } });
      this.#schedulePing(intervalMs);
    });
  }

  #onStreamEnd(stream: OutgoingStream<Input<GroupSessionRequest>>): void {
    if (this.#stream === stream) this.#stream = undefined;
    this.#isJoined = false;
    this.#pingTimer?.cancel();
    const error = new CodedError("COORDINATOR_NOT_AVAILABLE", "the group session broke");
    for (const { done } of this.#commits.values()) done.reject(error);
    this.#commits.clear();
  }

  #cut(): void {
    this.#pingTimer?.cancel();
    this.#stream?.cancel();
  }

  #write(message: Input<GroupSessionRequest>): void {
    this.#stream?.write(message);
  }

  #nowMs(): number {
    return this.#cluster.environment.clock.monotonicMs();
  }
}
