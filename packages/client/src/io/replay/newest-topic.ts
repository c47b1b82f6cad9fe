import { CodedError } from "@stratalog/base";
import type { KnownTopic } from "../../core/metadata-cache.ts";
import type { Cluster } from "../cluster.ts";

/** A broker that does not say what it knows within this long is done without. */
const ANSWER_MS = 2_000;

/**
 * A topic as the cluster has it now. What a client remembers may be a minute old, and a single
 * broker's view may be behind: a partition that came since would be missed, with all that was
 * acknowledged in it. Whoever leads a partition knows of it, so every broker is asked, and the
 * newest answer counts.
 */
export async function newestTopic(
  cluster: Cluster,
  topic: string,
  signal: AbortSignal | undefined,
): Promise<KnownTopic> {
  await cluster.topic(topic, signal);
  const request = { topics: [topic] };
  const timeoutMs = Math.min(ANSWER_MS, cluster.options.requestTimeoutMs);
  const asked = cluster.cache.brokerIds().flatMap((brokerId) => {
    const connection = cluster.broker(brokerId);
    if (connection === undefined) return [];
    return [connection.call("MetadataService", "getMetadata", request, { timeoutMs, signal })];
  });
  const answers = await Promise.allSettled(asked);
  cluster.scope.check(signal);
  const nowMs = cluster.environment.clock.monotonicMs();
  for (const answer of answers) {
    if (answer.status === "fulfilled") cluster.cache.apply(answer.value, nowMs);
  }
  if (answers.every(({ status }) => status === "rejected")) {
    const reasons = answers.map((each) => (each.status === "rejected" ? each.reason : undefined));
    throw CodedError.from(reasons[0]);
  }
  return await cluster.topic(topic, signal);
}
