import { assert, type BrokerId, type GroupNumber, present, replicaIdentity } from "@stratalog/base";
import type { Message, SnapshotMessage, Want } from "raft-ts";
import { DEFAULT_HOST_LIMITS, type HostLimits } from "../core/host-limits.ts";
import { decodeWireMessages } from "../core/wire-codec.ts";
import { LINK_GROUP, NO_FRAMES, type WireMessage } from "../core/wire-message.ts";
import type { Lane, PeerDownReason } from "../ports/peer-link.ts";
import type { AddGroupOptions, RaftGroup } from "../ports/raft-group.ts";
import { Elections } from "./elections.ts";
import { FetchQueue } from "./fetch-queue.ts";
import type { GroupHost } from "./group-host.ts";
import { HostedGroup } from "./hosted-group.ts";
import type { HostStats, RaftHostOptions } from "./host-options.ts";
import { Outbox } from "./outbox.ts";
import { ProposalBudget } from "./proposal-budget.ts";
import { Rests } from "./rests.ts";
import { SnapshotReceiver } from "./snapshot-receiver.ts";
import { SnapshotSender } from "./snapshot-sender.ts";
import { TickSource } from "./tick-source.ts";
import { WriteBatches } from "./write-batches.ts";

/**
 * Rounds within one turn: applying and answers to oneself cause more work at once; the rest waits a
 * turn.
 */
const PASS_COUNT_MAX = 4;
/** Ticks between writes of commit hints that found no other write to travel with. */
const HINT_TICKS = 20;
/**
 * Runs many Raft groups on one event loop. Inputs mark groups as dirty; at the end of the turn all
 * dirty groups are drained together: one storage write for all, then one batch per peer and lane
 * for all. What must wait for the disk waits in the completion of that write; nothing else does.
 */
export class RaftHost {
  readonly #options: RaftHostOptions;
  readonly #limits: HostLimits;
  readonly #tickMs: number;
  readonly #groups = new Map<GroupNumber, HostedGroup>();
  #dirty = new Set<HostedGroup>();
  #isDrainScheduled = false;
  readonly #batches: WriteBatches;
  readonly #outbox: Outbox;
  readonly #fetches: FetchQueue;
  readonly #elections: Elections;
  readonly #rests: Rests;
  readonly #budget: ProposalBudget;
  readonly #snapshotSender: SnapshotSender;
  readonly #snapshotReceiver: SnapshotReceiver;
  readonly #ticks: TickSource;
  #tickCount = 0;
  #drainCount = 0;
  #strayMessageCount = 0;
  #state: "new" | "started" | "stopped" = "new";

  constructor(options: RaftHostOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_HOST_LIMITS, ...options.limits };
    const { clock, timers, logger, peers, codec, storage } = options;
    this.#tickMs = options.tickMs ?? 50;
    this.#batches = new WriteBatches(storage, () => this.#scheduleDrain());
    this.#fetches = new FetchQueue(this.#limits.fetchCountMax);
    this.#budget = new ProposalBudget(this.#limits.hostUncommittedBytesMax);
    this.#outbox = new Outbox({
      peers,
      codec,
      batchBytesMax: this.#limits.batchBytesMax,
      onUndelivered: (to, message) => this.#handleUndelivered(to, message),
    });
    this.#snapshotSender = new SnapshotSender({
      peers,
      codec,
      partBytes: this.#limits.snapshotPartBytes,
      onOutcome: (group, to, outcome) => {
        this.#groups.get(group)?.node.reportSnapshot(to, outcome);
        this.#markDirty(this.#groups.get(group));
      },
    });
    this.#snapshotReceiver = new SnapshotReceiver(this.#limits);
    this.#elections = new Elections({
      clock,
      timers,
      random: options.random,
      peers,
      group: (group) => this.#groups.get(group),
      markDirty: (group) => this.#markDirty(group),
    });
    this.#rests = new Rests({
      brokerId: options.brokerId,
      heartbeatTicks: this.#heartbeatTicks(),
      silenceTicks: Math.floor(this.#electionTicks() / 2),
      send: (to, message) => {
        this.#outbox.add(to, { group: LINK_GROUP, message, frames: NO_FRAMES });
        this.#scheduleDrain();
      },
      markDirty: (group) => this.#markDirty(group),
    });
    const stallMs = Math.max(this.#electionMs() / 3, this.#tickMs * 4);
    const onTick = (): void => this.#tick();
    this.#ticks = new TickSource({ clock, timers, logger, tickMs: this.#tickMs, stallMs, onTick });
  }

  /** Starts to tick. Groups may be added before and after. */
  start(): void {
    assert(this.#state === "new", `start of a Raft host that is ${this.#state}`);
    this.#state = "started";
    this.#ticks.start();
  }

  /**
   * Stops all groups; resolves when no write is under way any more. Leaderships are not handed
   * over: do that before.
   */
  async stop(): Promise<void> {
    this.#state = "stopped";
    this.#ticks.stop();
    this.#elections.stop();
    for (const group of this.#groups.values()) group.close();
    this.#groups.clear();
    this.#dirty.clear();
    await this.#batches.whenIdle();
  }

  /** Adds a group whose log the storage has. It takes part from the next turn on. */
  addGroup(options: AddGroupOptions): RaftGroup {
    const { group, self } = options;
    assert(!this.#groups.has(group), `group ${group} is on this host already`);
    assert(
      replicaIdentity(self).brokerId === this.#options.brokerId,
      `replica ${self} is not ours`,
    );
    const hosted = new HostedGroup({
      ...options,
      host: this.#groupHost(),
      view: this.#options.storage.view(group),
      codec: this.#options.codec,
      limits: this.#limits,
      budget: this.#budget,
      electionTicks: this.#electionTicks(),
      heartbeatTicks: this.#heartbeatTicks(),
      random: (bound) => this.#options.random.below(bound),
    });
    this.#groups.set(group, hosted);
    this.#rests.add(hosted);
    this.#markDirty(hosted);
    this.#elections.handleAdded(options);
    return hosted;
  }

  /**
   * Takes a group off this host; resolves when none of its writes is under way, so that its log may
   * be dropped.
   */
  async removeGroup(group: GroupNumber): Promise<void> {
    const hosted = this.#groups.get(group);
    if (hosted === undefined) return;
    this.#forget(hosted);
    await this.#batches.whenDone(hosted);
  }

  group(group: GroupNumber): RaftGroup | undefined {
    return this.#groups.get(group);
  }

  stats(): HostStats {
    let leaderCount = 0;
    for (const group of this.#groups.values()) if (group.role === "leader") leaderCount++;
    return {
      groupCount: this.#groups.size,
      leaderCount,
      campaignCount: this.#elections.counts.campaign,
      electedCount: this.#elections.counts.elected,
      restingCount: this.#rests.restingCount,
      drainCount: this.#drainCount,
      stallCount: this.#ticks.stallCount,
      uncommittedBytes: this.#budget.totalBytes,
      strayMessageCount: this.#strayMessageCount,
    };
  }

  /**
   * Takes a Raft batch from a peer. Throws MalformedMessageError, having acted on nothing, when it
   * is none.
   */
  handlePeerMessage(from: BrokerId, _lane: Lane, payload: Uint8Array): void {
    if (this.#state === "stopped") return;
    const ends = { from, to: this.#options.brokerId };
    for (const { group, message, rests } of decodeWireMessages(
      payload,
      this.#options.codec,
      ends,
    )) {
      if (message.type === "beat" || message.type === "beat-answer") {
        this.#rests.handle(from, message);
        continue;
      }
      const hosted = this.#groups.get(group);
      if (hosted === undefined || hosted.hasFailed || hosted.self !== message.to) {
        this.#strayMessageCount++;
        continue;
      }
      if (message.type === "snapshot-part") {
        const whole = this.#snapshotReceiver.add(group, message);
        if (whole !== undefined) hosted.node.step(whole);
      } else {
        hosted.node.step(message);
        this.#elections.handleHeard(from, message, hosted);
      }
      this.#markDirty(hosted);
      if (rests !== true) continue;
      if (message.type === "heartbeat") hosted.rest.ask();
      else this.#rests.agree(hosted, message.from);
    }
  }

  /** A peer can be sent to. */
  onPeerUp(peer: BrokerId): void {
    // Followers there are probed with the next heartbeat.
    this.#rests.handlePeerUp(peer);
    this.#elections.handlePeerUp(peer);
  }

  /**
   * A peer cannot be sent to. Refusal is evidence that its process is dead: its groups need not
   * wait for silence.
   */
  onPeerDown(peer: BrokerId, reason: PeerDownReason): void {
    this.#snapshotSender.abort(peer);
    this.#rests.handlePeerDown(peer);
    if (reason === "refused") this.#elections.handleDead(peer, this.#groups.values());
  }

  /** A lane that was full has room again. */
  onDrained(peer: BrokerId, lane: Lane): void {
    if (lane === "bulk") this.#snapshotSender.resume(peer);
  }

  #electionMs(): number {
    return this.#options.electionMs ?? 1500;
  }

  #electionTicks(): number {
    return Math.max(2, Math.round(this.#electionMs() / this.#tickMs));
  }

  #heartbeatTicks(): number {
    return Math.max(1, Math.round((this.#options.heartbeatMs ?? 150) / this.#tickMs));
  }

  #groupHost(): GroupHost {
    return {
      isAbsent: (replica) => !this.#options.peers.isUp(replicaIdentity(replica).brokerId),
      follow: (group) => this.#rests.follow(group),
      onRole: (from, to) => this.#elections.handleRole(from, to),
      onCandidateRefused: (group) => this.#elections.handleRefused(group),
      markDirty: (group) => this.#markDirty(group),
      send: (to, message) => this.#send(to, message),
      sendSnapshot: (group, message) => this.#sendSnapshot(group, message),
      fetch: (group, want) => this.#fetch(group, want),
      onFailed: (group, reason) => {
        this.#options.logger.error({ group: group.group, reason }, "stopped a replica");
        this.#elections.drop(group.group);
        this.#rests.drop(group);
        this.#options.onGroupFailed?.(group.group, reason);
      },
    };
  }

  #markDirty(group: HostedGroup | undefined): void {
    if (group === undefined || this.#groups.get(group.group) !== group) return;
    this.#rests.wake(group);
    this.#dirty.add(group);
    this.#scheduleDrain();
  }

  #scheduleDrain(): void {
    if (this.#isDrainScheduled) return;
    this.#isDrainScheduled = true;
    this.#options.timers.endOfTurn(() => this.#drain());
  }

  /** The end of a turn: everything that gathered, for all groups together. */
  #drain(): void {
    this.#isDrainScheduled = false;
    this.#drainCount++;
    for (const { group, responses, isWrite } of this.#batches.takeDurable()) {
      // A group that was removed meanwhile has nobody to tell.
      if (this.#groups.get(group.group) !== group) continue;
      if (isWrite) group.completeWrite();
      this.#respond(group, responses);
    }
    for (let pass = 0; pass < PASS_COUNT_MAX && this.#dirty.size > 0; pass++) this.#pass();
    this.#outbox.flush();
    if (this.#dirty.size > 0) this.#scheduleDrain();
  }

  #pass(): void {
    const groups = this.#dirty;
    this.#dirty = new Set();
    const free: { readonly group: HostedGroup; readonly responses: readonly Message[] }[] = [];
    for (const group of groups) {
      const work = group.collect();
      if (work === undefined) continue;
      if (work.write !== undefined) this.#batches.add(group, work.write, work.responses);
      else if (work.responses.length === 0) continue;
      else if (group.pendingWriteCount > 0) this.#batches.follow(group, work.responses);
      else free.push({ group, responses: work.responses });
    }
    this.#batches.write();
    for (const group of groups) group.finish();
    for (const { group, responses } of free) this.#respond(group, responses);
  }

  #respond(group: HostedGroup, responses: readonly Message[]): void {
    for (const response of responses) group.deliver(response);
    this.#markDirty(group);
  }

  #tick(): void {
    this.#tickCount++;
    this.#rests.tick();
    const isHintTick = this.#tickCount % HINT_TICKS === 0;
    for (const group of this.#rests.awake) {
      group.node.tick();
      if (group.node.hasReady()) this.#markDirty(group);
      if (!isHintTick) continue;
      const hint = group.takeHint();
      if (hint !== undefined) this.#batches.add(group, hint, []);
    }
    if (isHintTick) this.#batches.write();
  }

  #send(to: number, message: WireMessage): void {
    const { brokerId } = replicaIdentity(to);
    if (this.#options.peers.isUp(brokerId)) this.#outbox.add(brokerId, message);
    else this.#handleUndelivered(brokerId, message);
  }

  #sendSnapshot(group: GroupNumber, message: SnapshotMessage): void {
    const bytes = present(message.snapshot.data, "snapshot data").byteLength;
    if (bytes <= this.#limits.snapshotBytesMax) {
      this.#snapshotSender.send(group, message);
      return;
    }
    this.#options.logger.error({ group, bytes }, "a snapshot is too large to be sent");
    this.#groups.get(group)?.node.reportSnapshot(message.to, "failed");
  }

  #fetch(hosted: HostedGroup, want: Want): void {
    const { group, view } = hosted;
    const isHere = (): boolean => this.#groups.get(group) === hosted;
    this.#fetches.add({
      group,
      view,
      want,
      onFrames: (frames) => {
        if (isHere()) hosted.acceptFetched(want.for, frames);
      },
      onError: (error) => {
        if (isHere()) hosted.fail(`the log cannot be read: ${String(error)}`);
      },
    });
  }

  /** The link did not take a message: the core probes that follower instead of streaming to it. */
  #handleUndelivered(to: BrokerId, { group, message }: WireMessage): void {
    if (message.type === "beat") this.#rests.handleUndelivered(to, message);
    if (message.type !== "append") return;
    const hosted = this.#groups.get(group);
    hosted?.node.reportUnreachable(message.to);
    this.#markDirty(hosted);
  }

  #forget(hosted: HostedGroup): void {
    const { group } = hosted;
    this.#rests.drop(hosted);
    this.#groups.delete(group);
    this.#dirty.delete(hosted);
    this.#elections.drop(group);
    this.#fetches.drop(group);
    this.#snapshotSender.drop(group);
    this.#snapshotReceiver.drop(group);
    hosted.close();
  }
}
