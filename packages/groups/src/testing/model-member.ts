import type { MemberId } from "@stratalog/base";
import type { PartitionKey } from "../core/partition-key.ts";

/** An assignment on its way to a member, or a member's report of one on its way back. */
export interface ModelMessage {
  readonly epoch: number;
  readonly revision: number;
  readonly partitions: ReadonlySet<PartitionKey>;
}

/**
 * A member as it sees itself. What it works on is `owned`, whatever the group believes; messages
 * wait in order until the history delivers them or breaks the stream.
 */
export class ModelMember {
  readonly memberId: MemberId;
  topics: readonly string[] = ["a"];
  prefixes: readonly string[] = [];
  /** Believes that it is in the group. */
  isIn = false;
  /** Has a stream on which messages arrive. */
  isConnected = false;
  /** Put out by the group without knowing it: it works on, and may commit nothing. */
  isFenced = false;
  epoch = 0;
  revision = 0;
  owned: ReadonlySet<PartitionKey> = new Set();
  readonly pushes: ModelMessage[] = [];
  readonly reports: ModelMessage[] = [];

  constructor(number: number) {
    // Numbers make ids of the right form.
    this.memberId = `00000000-0000-4000-8000-${String(number).padStart(12, "0")}` as MemberId;
  }

  /** Gives everything up: before it joins anew, when it is told that it is out, when it dies. */
  drop(): void {
    this.isIn = false;
    this.isFenced = false;
    this.epoch = 0;
    this.revision = 0;
    this.owned = new Set();
    this.breakStream();
  }

  /** What is on its way, both ways, is lost. */
  breakStream(): void {
    this.isConnected = false;
    this.pushes.length = 0;
    this.reports.length = 0;
  }

  /** Carries out the next assignment and says so. */
  carryOut(): void {
    const push = this.pushes.shift();
    if (push === undefined) return;
    this.owned = push.partitions;
    this.epoch = push.epoch;
    this.revision = push.revision;
    this.reports.push(push);
  }
}
