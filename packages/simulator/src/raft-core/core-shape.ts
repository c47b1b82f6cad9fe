import { present, type Random } from "@stratalog/base";
import type { ConfState, RaftOptions } from "raft-ts";
import type { BagOptions } from "./message-bag.ts";

/** Work that a group may be given at a random moment. */
export type WorkKind =
  | "propose"
  | "read"
  | "change"
  | "transfer"
  | "compact"
  | "forget-leader"
  | "campaign"
  | "report-unreachable";

/** Trouble that a group may be in from a random moment on, for a while. */
export type TroubleKind =
  | "crash"
  | "crash-leader"
  | "crash-all"
  | "pause"
  | "cut-path"
  | "cut-replica"
  | "storm"
  | "slow-disk";

/** Everything about a run that the seed decides before it begins. */
export interface CoreShape {
  readonly confState: ConfState;
  readonly raft: Omit<RaftOptions, "id" | "storage" | "random" | "applied" | "asyncStorageWrites">;
  readonly tickMs: number;
  /** Up to this long after an input a Ready is taken. */
  readonly turnMs: number;
  /** Entries at the log's end that reads find in memory. */
  readonly residentCount: number;
  readonly network: BagOptions;
  readonly diskMs: { readonly least: number; readonly most: number };
  readonly faultsMs: number;
  /** Mean time between two pieces of work, and what they may be: each as often as it is likely. */
  readonly workMs: number;
  readonly work: readonly WorkKind[];
  /** Mean time between two pieces of trouble, and how long each may last. */
  readonly troubleMs: number;
  readonly outageMs: number;
  readonly trouble: readonly TroubleKind[];
}

/** Machines that a group has at most at a time. */
export const REPLICAS_MAX = 7;

/** What is done now and then beside proposals, and how often against them. */
const WORK: readonly (readonly [WorkKind, number])[] = [
  ["read", 8],
  ["change", 6],
  ["transfer", 2],
  ["compact", 8],
  ["forget-leader", 1],
  ["campaign", 1],
  ["report-unreachable", 1],
];
const PROPOSE_WEIGHT = 40;
const TROUBLE: readonly (readonly [TroubleKind, number])[] = [
  ["crash", 3],
  ["crash-leader", 2],
  ["crash-all", 1],
  ["pause", 2],
  ["cut-path", 3],
  ["cut-replica", 2],
  ["storm", 1],
  ["slow-disk", 1],
];

/**
 * Draws a run. A kind of work or trouble is in or out: a mix of all would hide what a row of one
 * shows.
 */
export function drawShape(random: Random): CoreShape {
  const pick = <T>(...items: readonly T[]): T => present(items[random.below(items.length)], "item");
  const chance = (percent: number): boolean => random.below(100) < percent;
  const drawKinds = <T>(weights: readonly (readonly [T, number])[]): readonly T[] =>
    weights.flatMap(([kind, weight]) => (chance(60) ? Array<T>(weight).fill(kind) : []));
  const maxBytesPerMessage = pick(0, 60, 1000, 100_000);
  return {
    confState: drawConfiguration(random),
    raft: {
      electionTicks: pick(4, 6, 10),
      heartbeatTicks: pick(1, 1, 2),
      preVote: chance(75),
      checkQuorum: chance(75),
      coalesceAppends: chance(60),
      stepDownOnRemoval: chance(75),
      disableProposalForwarding: chance(75),
      maxInflightMessages: pick(1, 2, 5, 64),
      maxBytesPerMessage,
      maxInflightBytes: pick(maxBytesPerMessage + 100, 1_000_000),
      maxUncommittedBytes: pick(200, 1_000_000),
      maxCommittedBytesPerReady: pick(1, 60, 1000),
    },
    tickMs: 10,
    turnMs: pick(0.1, 1, 3),
    residentCount: pick(0, 5, 20, 1_000_000),
    network: {
      latencyMs: pick([0.2, 2], [1, 8], [0.2, 25]),
      lateMs: pick(50, 200),
      latePercent: pick(0, 1, 5),
      lossPercent: pick(0, 0, 2, 10),
      duplicatePercent: pick(0, 2, 10),
    },
    diskMs: pick(
      { least: 0.05, most: 1 },
      { least: 0.1, most: 5 },
      { least: 0.1, most: 20 },
      { least: 1, most: 60 },
    ),
    faultsMs: 800 + random.below(1200),
    workMs: pick(2, 4, 8),
    work: [...Array<WorkKind>(PROPOSE_WEIGHT).fill("propose"), ...drawKinds(WORK)],
    troubleMs: pick(60, 150, 400),
    outageMs: pick(50, 200, 400),
    trouble: drawKinds(TROUBLE),
  };
}

/** Three to seven replicas, of which one or two may be learners. */
function drawConfiguration(random: Random): ConfState {
  const count = [3, 3, 3, 3, 4, 5, 5, 6, 7][random.below(9)] ?? 3;
  const ids = Array.from({ length: count }, (_, position) => position + 1);
  const learnerCount = count > 3 && random.below(4) === 0 ? 1 + random.below(2) : 0;
  return {
    voters: ids.slice(0, count - learnerCount),
    learners: ids.slice(count - learnerCount),
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
}
