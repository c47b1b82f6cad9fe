import {
  type BrokerId,
  type Clock,
  type GroupNumber,
  type Random,
  replicaIdentity,
  type Timers,
} from "@stratalog/base";
import type { RoleName } from "raft-ts";
import type { RaftWireMessage } from "../core/wire-message.ts";
import type { PeerLink } from "../ports/peer-link.ts";
import type { AddGroupOptions } from "../ports/raft-group.ts";
import { CampaignSchedule } from "./campaign-schedule.ts";
import type { HostedGroup } from "./hosted-group.ts";

/** What the elections of a host need. */
export interface ElectionsOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly peers: PeerLink;
  readonly group: (group: GroupNumber) => HostedGroup | undefined;
  readonly markDirty: (group: HostedGroup) => void;
}

interface EarlyRequest {
  readonly message: RaftWireMessage;
  readonly heardMs: number;
}

/**
 * Failover by evidence: jitter of the first live replica, and how much longer each next one waits.
 * All groups of one dead leader campaign together, so that their votes share a sync.
 */
const EVIDENCE_JITTER_MS = 10;
const EVIDENCE_RANK_MS = 150;
/** A replica that refused a candidate for its longer log stands itself, with this much jitter. */
const REFUSED_JITTER_MS = 5;
/**
 * A replica that is asked for its vote lets that election end before it begins its own: two that
 * take turns to interrupt each other would both lose. A few syncs of a busy disk fit in.
 */
const ASKED_MS = 600;
/** A candidate has this many attempts' time to win; then it begins again, in another term. */
const PATIENT_ATTEMPTS = 3;
/** What a dead process had sent may still arrive for this long; it brings no leader back. */
const LAST_WORDS_MS = 1_000;
/**
 * Another follower may know of a death first, and ask for a vote that is refused here for the sake
 * of the leader: this long, its request is looked at again once the death is known here too.
 */
const EARLY_REQUEST_MS = 500;
/** A preferred replica that starts waits for its connections first. */
const PREFERRED_START_MS = 100;
const PREFERRED_SPREAD_MS = 200;

/**
 * Elections that do not wait for silence: of new groups, of preferred replicas after a start, and
 * of groups whose leader's process is known to be dead. All are pre-votes first, so a wrong guess
 * disturbs nobody.
 */
export class Elections {
  /** Times that a replica here asked for votes, and times that one won. */
  readonly counts = { campaign: 0, elected: 0 };
  readonly #options: ElectionsOptions;
  readonly #schedule: CampaignSchedule;
  /** Until when messages of a dead process are expected. */
  readonly #lastWordsMs = new Map<BrokerId, number>();
  /** Requests that came while a leader was believed in; one per group, the last. */
  readonly #early = new Map<GroupNumber, EarlyRequest>();

  constructor(options: ElectionsOptions) {
    this.#options = options;
    const { clock, timers, random } = options;
    this.#schedule = new CampaignSchedule({
      clock,
      timers,
      random,
      campaign: (group, attempt) => this.#campaign(group, attempt),
    });
  }

  /** A group came to this host. */
  handleAdded({ group, replicas, priority, campaignAtOnce }: AddGroupOptions): void {
    if (campaignAtOnce === true || replicas.length === 1) {
      this.#schedule.plan(group, 0);
    } else if (priority === "preferred") {
      const spreadMs = this.#options.random.below(PREFERRED_SPREAD_MS);
      this.#schedule.plan(group, PREFERRED_START_MS + spreadMs);
    }
  }

  /** A replica here has another role. */
  handleRole(from: RoleName, to: RoleName): void {
    if (to === "leader") this.counts.elected++;
    // A replica that wins within one turn was never seen as a candidate.
    if (from === "follower") this.counts.campaign++;
  }

  /** The process of `peer` is dead: whatever it led is led by nobody. */
  handleDead(peer: BrokerId, groups: Iterable<HostedGroup>): void {
    this.#lastWordsMs.set(peer, this.#options.clock.monotonicMs() + LAST_WORDS_MS);
    const jitterMs = this.#options.random.below(EVIDENCE_JITTER_MS);
    for (const hosted of groups) {
      const { leader } = hosted.node;
      if (leader === 0 || replicaIdentity(leader).brokerId !== peer || hosted.hasFailed) continue;
      hosted.node.forgetLeader();
      this.#options.markDirty(hosted);
      const rank = this.#rankWithout(hosted, (id) => replicaIdentity(id).brokerId === peer);
      this.#schedule.plan(hosted.group, rank * EVIDENCE_RANK_MS + jitterMs);
      this.#answerEarly(hosted);
    }
  }

  /** A replica stopped, says its host: what it led is led by nobody. */
  handleStopped(hosted: HostedGroup, replica: number): void {
    if (hosted.node.leader !== replica) return;
    hosted.node.forgetLeader();
    const rank = this.#rankWithout(hosted, (id) => id === replica);
    const jitterMs = this.#options.random.below(EVIDENCE_JITTER_MS);
    this.#schedule.plan(hosted.group, rank * EVIDENCE_RANK_MS + jitterMs);
    this.#answerEarly(hosted);
  }

  /**
   * A message of `from` was taken in. When it was on its way while its sender died, the leader that
   * it names is forgotten again: it would be waited for until an election timeout. And whoever asks
   * for a vote goes first.
   */
  handleHeard(from: BrokerId, message: RaftWireMessage, { node, group }: HostedGroup): void {
    if (message.type === "pre-vote-request" || message.type === "vote-request") {
      this.#schedule.postpone(group, ASKED_MS);
    }
    if (message.type === "pre-vote-request" && node.leader !== 0 && node.role === "follower") {
      this.#early.set(group, { message, heardMs: this.#options.clock.monotonicMs() });
    }
    const untilMs = this.#lastWordsMs.get(from);
    if (untilMs === undefined) return;
    if (this.#options.clock.monotonicMs() >= untilMs) this.#lastWordsMs.delete(from);
    else if (node.leader !== 0 && replicaIdentity(node.leader).brokerId === from) {
      node.forgetLeader();
    }
  }

  /**
   * A replica here refuses a candidate, while nobody leads: its own log is the longer one, so it
   * need not wait for its turn.
   */
  handleRefused({ node, group }: HostedGroup): void {
    if (node.leader !== 0) return;
    this.#schedule.hasten(group, this.#options.random.below(REFUSED_JITTER_MS));
  }

  /** One more replica of many groups can be asked for its vote. */
  handlePeerUp(peer: BrokerId): void {
    this.#lastWordsMs.delete(peer);
    this.#schedule.hurry();
  }

  drop(group: GroupNumber): void {
    this.#early.delete(group);
    this.#schedule.drop(group);
  }

  stop(): void {
    this.#schedule.stop();
  }

  /** Lets the core look again at a request that it did not answer for the sake of its leader. */
  #answerEarly({ group, node }: HostedGroup): void {
    const early = this.#early.get(group);
    if (early === undefined) return;
    this.#early.delete(group);
    if (this.#options.clock.monotonicMs() - early.heardMs > EARLY_REQUEST_MS) return;
    node.step(early.message);
    this.#schedule.postpone(group, ASKED_MS);
  }

  #campaign(group: GroupNumber, attempt: number): "again" | "done" {
    const hosted = this.#options.group(group);
    if (hosted === undefined || hosted.hasFailed) return "done";
    const { node } = hosted;
    if (node.leader !== 0) return "done";
    if (node.role === "candidate" && attempt <= PATIENT_ATTEMPTS) return "again";
    node.campaign();
    this.#options.markDirty(hosted);
    return "again";
  }

  /** This replica's place among those that seem to live, in the configured order. */
  #rankWithout(hosted: HostedGroup, isDead: (replica: number) => boolean): number {
    const { replicas, self, stoppedPeers } = hosted;
    const { peers } = this.#options;
    const isLive = (replica: number): boolean => {
      if (replica === self) return true;
      if (isDead(replica) || stoppedPeers.has(replica)) return false;
      return peers.isUp(replicaIdentity(replica).brokerId);
    };
    return Math.max(0, replicas.filter(isLive).indexOf(self));
  }
}
