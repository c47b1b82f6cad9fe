import type { BrokerId, Clock, GroupNumber, Logger, Random, Timers } from "@stratalog/base";
import type { HostLimits } from "../core/host-limits.ts";
import type { FrameCodec } from "../ports/frame.ts";
import type { LogStorage } from "../ports/log-storage.ts";
import type { PeerLink } from "../ports/peer-link.ts";

/** What a Raft host is made with. */
export interface RaftHostOptions {
  readonly brokerId: BrokerId;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly storage: LogStorage;
  readonly codec: FrameCodec;
  readonly peers: PeerLink;
  readonly logger: Logger;
  /** Step of the groups' logical clocks. Default 50. */
  readonly tickMs?: number;
  /** Pause between a leader's heartbeats. Default 150. */
  readonly heartbeatMs?: number;
  /** Silence after which a follower may campaign; randomised up to twice this. Default 1,500. */
  readonly electionMs?: number;
  /** Defaults to DEFAULT_HOST_LIMITS. */
  readonly limits?: Partial<HostLimits>;
  /**
   * Whether this host may store data of other leaders in a group now; what comes while it may not
   * is dropped, as if the network had lost it. Entries without data are small, and a new leader
   * needs its own, and retention its commands: they are always taken. Default always.
   */
  readonly takesRecords?: (group: GroupNumber) => boolean;
  /** A replica stopped for good because going on would be wrong; the log says why too. */
  readonly onGroupFailed?: (group: GroupNumber, failure: GroupFailure) => void;
}

/** Why a replica stopped. */
export interface GroupFailure {
  readonly reason: string;
  /**
   * Its log is not what it has to be: it must not vote again either, also after a restart.
   * Otherwise something else went wrong, and a restart may help.
   */
  readonly isDamaged: boolean;
}

/** Counters of a host. */
export interface HostStats {
  readonly groupCount: number;
  readonly leaderCount: number;
  /** Times that a replica here asked for votes, and times that one won. */
  readonly campaignCount: number;
  readonly electedCount: number;
  /** Groups that cost nothing while nothing happens in them. */
  readonly restingCount: number;
  readonly drainCount: number;
  readonly stallCount: number;
  readonly uncommittedBytes: number;
  /** Messages for groups that this host does not have, or for another life of a replica. */
  readonly strayMessageCount: number;
}
