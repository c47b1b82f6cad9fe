import type { BrokerId, GroupNumber, ReplicaIdentity } from "@stratalog/base";
import { decodeGroupValues, encodeGroupValues, type GroupValue } from "./group-values.ts";
import type { NewsChannel } from "./leader-gossip.ts";

const TOPIC = "log-start";

/** A replica that runs here, as far as log starts go. */
export interface LogStartHolder {
  readonly wanted: {
    readonly partition: {
      readonly group: GroupNumber;
      readonly replicas: readonly ReplicaIdentity[];
    };
  };
  readonly group: { readonly role: string };
  readonly replica: {
    /** Where records begin; absent where there are none of clients. */
    readonly service?: { readonly logStartOffset: number };
    /** Gives records up before the command to do so is reached in the log. */
    forgetBelow?(offset: number): void;
  };
}

/** The part of the replica registry that this needs. */
export interface LogStartHolders {
  running(): Iterable<LogStartHolder>;
  runningReplica(group: GroupNumber): LogStartHolder | undefined;
}

/** The part of raft-host's `Gossip` that this needs. */
export interface TellingChannel extends NewsChannel {
  tell(peer: BrokerId, topic: string, body: Uint8Array): void;
}

/**
 * Tells a broker whose disk is full where the logs begin that this one leads. The command that
 * moved a log start stands in the log behind records that a full disk has no room for, and nothing
 * but that command would make room: so it is told beside the log too. What a leader has applied is
 * committed and holds for every replica, whoever leads meanwhile.
 */
export class LogStartNews {
  readonly #channel: TellingChannel;
  readonly #replicas: LogStartHolders;

  constructor(options: { readonly channel: TellingChannel; readonly replicas: LogStartHolders }) {
    this.#channel = options.channel;
    this.#replicas = options.replicas;
  }

  start(): void {
    this.#channel.on(TOPIC, (_from, body) => this.#receive(body));
  }

  /** To be called again while the broker says that its disk is full: a message may be lost. */
  tell(broker: BrokerId): void {
    const starts: GroupValue[] = [];
    for (const { wanted, group, replica } of this.#replicas.running()) {
      const { partition } = wanted;
      const value = replica.service?.logStartOffset ?? 0;
      if (value === 0 || group.role !== "leader") continue;
      if (!partition.replicas.some(({ brokerId }) => brokerId === broker)) continue;
      starts.push({ group: partition.group, value });
    }
    if (starts.length > 0) this.#channel.tell(broker, TOPIC, encodeGroupValues(starts));
  }

  #receive(body: Uint8Array): void {
    // Foreign bytes tell nothing; the next message comes in a second.
    for (const { group, value } of decodeGroupValues(body) ?? []) {
      this.#replicas.runningReplica(group)?.replica.forgetBelow?.(value);
    }
  }
}
