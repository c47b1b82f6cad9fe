import {
  type BrokerId,
  type Clock,
  type GroupNumber,
  type Random,
  replicaIdentity,
  type Timers,
} from "@stratalog/base";
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

/**
 * Failover by evidence: jitter of the first live replica, and how much longer each next one waits.
 */
const EVIDENCE_JITTER_MS = 50;
const EVIDENCE_RANK_MS = 150;
/** A preferred replica that starts waits for its connections first. */
const PREFERRED_START_MS = 100;
const PREFERRED_SPREAD_MS = 200;

/**
 * Elections that do not wait for silence: of new groups, of preferred replicas after a start, and
 * of groups whose leader's process is known to be dead. All are pre-votes first, so a wrong guess
 * disturbs nobody.
 */
export class Elections {
  readonly #options: ElectionsOptions;
  readonly #schedule: CampaignSchedule;

  constructor(options: ElectionsOptions) {
    this.#options = options;
    const { clock, timers } = options;
    const campaign = (group: GroupNumber): "again" | "done" => this.#campaign(group);
    this.#schedule = new CampaignSchedule({ clock, timers, campaign });
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

  /** The process of `peer` is dead: whatever it led is led by nobody. */
  handleDead(peer: BrokerId, groups: Iterable<HostedGroup>): void {
    for (const hosted of groups) {
      const { leader } = hosted.node;
      if (leader === 0 || replicaIdentity(leader).brokerId !== peer || hosted.hasFailed) continue;
      hosted.node.forgetLeader();
      this.#options.markDirty(hosted);
      const rank = this.#rankWithout(hosted, peer);
      const jitterMs = this.#options.random.below(EVIDENCE_JITTER_MS);
      this.#schedule.plan(hosted.group, rank * EVIDENCE_RANK_MS + jitterMs);
    }
  }

  /** One more replica of many groups can be asked for its vote. */
  handlePeerUp(): void {
    this.#schedule.hurry();
  }

  drop(group: GroupNumber): void {
    this.#schedule.drop(group);
  }

  stop(): void {
    this.#schedule.stop();
  }

  #campaign(group: GroupNumber): "again" | "done" {
    const hosted = this.#options.group(group);
    if (hosted === undefined || hosted.hasFailed) return "done";
    const { node } = hosted;
    if (node.leader !== 0) return "done";
    if (node.role === "candidate") return "again";
    node.campaign();
    this.#options.markDirty(hosted);
    return "again";
  }

  /** This replica's place among those that seem to live, in the configured order. */
  #rankWithout({ replicas, self }: HostedGroup, dead: BrokerId): number {
    const { peers } = this.#options;
    const isLive = (replica: number): boolean => {
      if (replica === self) return true;
      const { brokerId } = replicaIdentity(replica);
      return brokerId !== dead && peers.isUp(brokerId);
    };
    return Math.max(0, replicas.filter(isLive).indexOf(self));
  }
}
