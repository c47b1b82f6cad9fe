import {
  assert,
  type BrokerId,
  CodedError,
  type GroupNumber,
  present,
  replicaIdentity,
} from "@stratalog/base";
import type { ReplicaId, SnapshotMessage, Want } from "raft-ts";
import { DEFAULT_HOST_LIMITS, type HostLimits } from "../core/host-limits.ts";
import { LINK_GROUP, NO_FRAMES, type WireMessage } from "../core/wire-message.ts";
import type { GroupWrite } from "../ports/log-storage.ts";
import type { Lane, PeerDownReason } from "../ports/peer-link.ts";
import type { AddGroupOptions, RaftGroup } from "../ports/raft-group.ts";
import { Elections } from "./elections.ts";
import { FetchQueue } from "./fetch-queue.ts";
import type { GroupHost } from "./group-host.ts";
import { HostedGroup } from "./hosted-group.ts";
import type { HostStats, RaftHostOptions } from "./host-options.ts";
import { Inbox } from "./inbox.ts";
import { Outbox } from "./outbox.ts";
import { ProposalBudget } from "./proposal-budget.ts";
import { Rests } from "./rests.ts";
import { SnapshotSender } from "./snapshot-sender.ts";
import { StoppedReplicas } from "./stopped-replicas.ts";
import { TickSource } from "./tick-source.ts";
import { Turns } from "./turns.ts";

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
  readonly #turns: Turns;
  readonly #outbox: Outbox;
  readonly #fetches: FetchQueue;
  readonly #elections: Elections;
  readonly #rests: Rests;
  readonly #budget: ProposalBudget;
  readonly #snapshotSender: SnapshotSender;
  readonly #inbox: Inbox;
  readonly #stopped: StoppedReplicas;
  readonly #ticks: TickSource;
  #tickCount = 0;
  #state: "new" | "started" | "stopped" = "new";

  constructor(options: RaftHostOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_HOST_LIMITS, ...options.limits };
    const { clock, timers, logger, peers, codec, storage } = options;
    this.#tickMs = options.tickMs ?? 50;
    this.#fetches = new FetchQueue(this.#limits.fetchCountMax);
    this.#budget = new ProposalBudget(this.#limits.hostUncommittedBytesMax);
    this.#outbox = new Outbox({
      peers,
      codec,
      batchBytesMax: this.#limits.batchBytesMax,
      onUndelivered: (to, message) => this.#handleUndelivered(to, message),
    });
    this.#turns = new Turns({
      storage,
      timers,
      outbox: this.#outbox,
      isHere: (group) => this.#groups.get(group.group) === group,
      markDirty: (group) => this.#markDirty(group),
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
        this.#turns.schedule();
      },
      markDirty: (group) => this.#markDirty(group),
    });
    this.#stopped = new StoppedReplicas((to, message) => {
      this.#send(to, message);
      this.#turns.schedule();
    });
    this.#inbox = new Inbox({
      brokerId: options.brokerId,
      clock,
      codec,
      limits: this.#limits,
      group: (group) => this.#groups.get(group),
      rests: this.#rests,
      elections: this.#elections,
      markDirty: (group) => this.#markDirty(group),
      takesRecords: options.takesRecords ?? (() => true),
      onStray: (message) => this.#stopped.answer(message),
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
   * Stops all groups; resolves when no write is under way any more, or only what the storage gave
   * up. Leaderships are not handed over: do that before.
   */
  async stop(): Promise<void> {
    this.#state = "stopped";
    this.#ticks.stop();
    this.#elections.stop();
    for (const group of this.#groups.values()) group.close();
    this.#groups.clear();
    this.#turns.clear();
    await this.#turns.settle();
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
    this.#stopped.drop(group);
    this.#rests.add(hosted);
    this.#markDirty(hosted);
    this.#elections.handleAdded(options);
    return hosted;
  }

  /**
   * Takes a group off this host; resolves when none of its writes is under way, so that its log may
   * be dropped. Of a replica that failed, the others go on being told that it stopped.
   */
  async removeGroup(group: GroupNumber): Promise<void> {
    const hosted = this.#groups.get(group);
    if (hosted?.hasFailed !== true) this.#stopped.drop(group);
    if (hosted === undefined) return;
    this.#forget(hosted);
    await this.#turns.whenDone(hosted);
  }

  /**
   * Stops a replica whose log was found damaged: it takes part in nothing any more. If it led,
   * another is elected at once. Harmless when it does not run here or has failed already.
   */
  failGroup(group: GroupNumber, reason: string): void {
    this.#groups.get(group)?.fail({ reason, isDamaged: true });
  }

  /** This broker has a replica that it must never run: whoever writes to it is told. */
  refuseGroup(group: GroupNumber, self: ReplicaId): void {
    assert(!this.#groups.has(group), `group ${group} runs on this host`);
    this.#stopped.add(group, self, []);
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
      drainCount: this.#turns.count,
      stallCount: this.#ticks.stallCount,
      uncommittedBytes: this.#budget.totalBytes,
      strayMessageCount: this.#stopped.strayCount,
    };
  }

  /**
   * Takes a Raft batch from a peer. Throws MalformedMessageError, having acted on nothing, when it
   * is none.
   */
  handlePeerMessage(from: BrokerId, _lane: Lane, payload: Uint8Array): void {
    if (this.#state === "stopped") return;
    this.#inbox.receive(from, payload);
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
      onFailed: (group, failure) => {
        this.#options.logger.error({ group: group.group, ...failure }, "stopped a replica");
        this.#elections.drop(group.group);
        this.#rests.drop(group);
        this.#stopped.add(group.group, group.self, group.rest.others);
        this.#options.onGroupFailed?.(group.group, failure);
      },
    };
  }

  #markDirty(group: HostedGroup | undefined): void {
    if (group === undefined || this.#groups.get(group.group) !== group) return;
    this.#rests.wake(group);
    this.#turns.add(group);
  }

  #tick(): void {
    this.#tickCount++;
    this.#rests.tick();
    const isHintTick = this.#tickCount % HINT_TICKS === 0;
    const hints: (readonly [HostedGroup, GroupWrite])[] = [];
    for (const group of this.#rests.awake) {
      group.node.tick();
      if (group.node.hasReady()) this.#markDirty(group);
      if (!isHintTick) continue;
      const hint = group.takeHint();
      if (hint !== undefined) hints.push([group, hint]);
    }
    if (isHintTick) this.#turns.writeHints(hints);
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
        if (!isHere()) return;
        const isDamaged = CodedError.is(error) && error.code === "STORAGE_DAMAGED";
        hosted.fail({ reason: `the log cannot be read: ${String(error)}`, isDamaged });
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
    this.#turns.drop(hosted);
    this.#elections.drop(group);
    this.#fetches.drop(group);
    this.#snapshotSender.drop(group);
    this.#inbox.drop(group);
    hosted.close();
  }
}
