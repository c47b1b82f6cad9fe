import type { BrokerId } from "@stratalog/base";
import type { FormationRecord } from "./formation-record.ts";
import type { FormationStatus } from "./formation-status.ts";

/** What a broker without a cluster does next. */
export type FormationStep =
  | { readonly type: "wait"; readonly why: string }
  /** It was agreed on before, with this directory among the voters or without this broker. */
  | { readonly type: "adopt"; readonly record: FormationRecord }
  /**
   * Everybody is here and nobody belongs to a cluster: this broker, the lowest seed, draws the id.
   */
  | { readonly type: "propose"; readonly voters: FormationRecord["voters"] }
  | { readonly type: "refuse"; readonly why: string };

/**
 * Formation that cannot split. A cluster is formed once, by the seed with the lowest number, when
 * it hears from every seed on its list, all have the same list, and none belongs to a cluster. The
 * others adopt what it has made durable.
 *
 * A seed whose directory was wiped finds a cluster that has another directory under its number: it
 * must not vote again on what the lost one promised, so it refuses instead of joining; it cannot
 * form anew, because not every seed is without a cluster.
 */
export function nextFormationStep(
  self: FormationStatus,
  seedIds: readonly BrokerId[],
  others: ReadonlyMap<BrokerId, FormationStatus>,
): FormationStep {
  const formed = [...others.values()].flatMap((status) => status.formed ?? []);
  const first = formed[0];
  if (first !== undefined) return stepIntoCluster(self, first, formed);

  if (!seedIds.includes(self.brokerId)) {
    return { type: "wait", why: "no seed belongs to a cluster yet" };
  }
  const missing = seedIds.filter((id) => id !== self.brokerId && !others.has(id));
  if (missing.length > 0) {
    return { type: "wait", why: `seed ${missing.join(", ")} does not answer` };
  }
  for (const status of others.values()) {
    if (status.seeds.join() === self.seeds.join()) continue;
    const why =
      `broker ${status.brokerId} has seeds ${status.seeds.join(", ")}, ` +
      `this one ${self.seeds.join(", ")}: give all the same list`;
    return { type: "wait", why };
  }
  const lowest = Math.min(...seedIds);
  if (self.brokerId !== lowest) return { type: "wait", why: `broker ${lowest} forms the cluster` };
  const voters = [self, ...others.values()]
    .filter(({ brokerId }) => seedIds.includes(brokerId))
    .map(({ brokerId, directoryId }) => ({ brokerId, directoryId }))
    .toSorted((a, b) => a.brokerId - b.brokerId);
  return { type: "propose", voters };
}

function stepIntoCluster(
  self: FormationStatus,
  record: FormationRecord,
  formed: readonly FormationRecord[],
): FormationStep {
  const other = formed.find(({ clusterId }) => clusterId !== record.clusterId);
  if (other !== undefined) {
    const why = `the seeds belong to two clusters, ${record.clusterId} and ${other.clusterId}`;
    return { type: "refuse", why };
  }
  const voter = record.voters.find(({ brokerId }) => brokerId === self.brokerId);
  if (voter === undefined || voter.directoryId === self.directoryId) {
    return { type: "adopt", record };
  }
  const why =
    `cluster ${record.clusterId} has data directory ${voter.directoryId} for broker ` +
    `${self.brokerId}, and this one is ${self.directoryId}: a controller voter cannot start with ` +
    "an empty directory; restore its directory";
  return { type: "refuse", why };
}
