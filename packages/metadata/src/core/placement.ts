import { assert, type BrokerId, present, type Random } from "@stratalog/base";
import type { BrokerRegistration, MetadataImage } from "./image.ts";

/**
 * Where replicas go. For each partition in turn: first the leader, then the followers, each time
 * the broker that scores lowest, compared field by field:
 *
 *   leader    of this topic: leaders, replicas; of all topics: leaders, replicas
 *   follower  fenced; replicas of this partition in its rack; replicas of this topic, of all topics
 *
 * Rack spread outranks balance; a topic's own balance outranks the cluster's, or a broker that is
 * new and empty would take every partition of the next topic. Ties are drawn, so that the followers
 * of one leader are not always the same. A fenced broker never leads and follows only where no
 * other is left. Brokers without a rack are a rack of their own.
 */

interface Candidate {
  readonly brokerId: BrokerId;
  readonly rack: string;
  readonly isFenced: boolean;
  topicLeaders: number;
  topicReplicas: number;
  allLeaders: number;
  allReplicas: number;
}

export interface PlacementRequest {
  readonly image: MetadataImage;
  readonly partitionCount: number;
  readonly replicationFactor: number;
  /** Replicas that the topic has already, when it grows. */
  readonly existing: readonly (readonly BrokerId[])[];
  readonly random: Random;
}

/**
 * The replicas of each new partition, preferred leader first; undefined when no broker may lead.
 * The caller has checked that there are at least `replicationFactor` brokers.
 */
export function placePartitions(
  request: PlacementRequest,
): readonly (readonly BrokerId[])[] | undefined {
  const { image, partitionCount, replicationFactor, existing, random } = request;
  assert(replicationFactor >= 1, "at least one replica");
  assert(replicationFactor <= image.brokers.size, "a broker for every replica");
  const candidates = candidatesOf(image);
  for (const replicas of existing) count(candidates, replicas, "topic");
  if (candidates.every((candidate) => candidate.isFenced)) return undefined;
  const placed: (readonly BrokerId[])[] = [];
  for (let i = 0; i < partitionCount; i++) {
    const replicas = placeOne(candidates, replicationFactor, random);
    count(candidates, replicas, "topic");
    count(candidates, replicas, "all");
    placed.push(replicas);
  }
  return placed;
}

function candidatesOf(image: MetadataImage): readonly Candidate[] {
  const candidates = [...image.brokers.values()]
    .toSorted((a, b) => a.brokerId - b.brokerId)
    .map(candidateOf);
  for (const topic of image.topics.values()) {
    for (const { replicas } of topic.partitions) {
      const brokers = replicas.map((replica) => replica.brokerId);
      count(candidates, brokers, "all");
    }
  }
  return candidates;
}

function candidateOf(broker: BrokerRegistration): Candidate {
  return {
    brokerId: broker.brokerId,
    rack: broker.rack ?? `broker ${broker.brokerId}`,
    isFenced: broker.isFenced,
    topicLeaders: 0,
    topicReplicas: 0,
    allLeaders: 0,
    allReplicas: 0,
  };
}

function count(
  candidates: readonly Candidate[],
  replicas: readonly BrokerId[],
  scope: "topic" | "all",
): void {
  for (const candidate of candidates) {
    const position = replicas.indexOf(candidate.brokerId);
    if (position < 0) continue;
    if (scope === "topic") {
      candidate.topicReplicas += 1;
      if (position === 0) candidate.topicLeaders += 1;
    } else {
      candidate.allReplicas += 1;
      if (position === 0) candidate.allLeaders += 1;
    }
  }
}

function placeOne(
  candidates: readonly Candidate[],
  replicationFactor: number,
  random: Random,
): readonly BrokerId[] {
  const unfenced = candidates.filter((candidate) => !candidate.isFenced);
  const leader = lowest(unfenced, leaderScore, random);
  const chosen = [leader];
  while (chosen.length < replicationFactor) {
    const rest = candidates.filter((candidate) => !chosen.includes(candidate));
    chosen.push(lowest(rest, (candidate) => followerScore(candidate, chosen), random));
  }
  return chosen.map((candidate) => candidate.brokerId);
}

function leaderScore(candidate: Candidate): readonly number[] {
  const { topicLeaders, topicReplicas, allLeaders, allReplicas } = candidate;
  return [topicLeaders, topicReplicas, allLeaders, allReplicas];
}

function followerScore(candidate: Candidate, chosen: readonly Candidate[]): readonly number[] {
  const sameRack = chosen.filter((other) => other.rack === candidate.rack).length;
  const fenced = candidate.isFenced ? 1 : 0;
  return [fenced, sameRack, candidate.topicReplicas, candidate.allReplicas];
}

function lowest(
  candidates: readonly Candidate[],
  scoreOf: (candidate: Candidate) => readonly number[],
  random: Random,
): Candidate {
  let best: Candidate[] = [];
  let bestScore: readonly number[] = [];
  for (const candidate of candidates) {
    const score = scoreOf(candidate);
    const order = best.length === 0 ? -1 : compareScores(score, bestScore);
    if (order < 0) {
      best = [candidate];
      bestScore = score;
    } else if (order === 0) best.push(candidate);
  }
  return present(best[random.below(best.length)], "a broker to place on");
}

function compareScores(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0;
    if (value !== other) return value - other;
  }
  return 0;
}
