import { CodedError } from "@stratalog/base";
import { backoffMs, RETRY_BACKOFF } from "../../core/backoff.ts";
import type { KnownTopic } from "../../core/metadata-cache.ts";
import type { Cluster } from "../cluster.ts";

/** A broker that does not say what it knows within this long is done without, if another one does. */
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
  const { clock, random } = cluster.environment;
  const deadlineMs = clock.monotonicMs() + cluster.options.requestTimeoutMs;
  for (let attempt = 1; ; attempt++) {
    await cluster.topic(topic, signal);
    const restMs = Math.max(1, deadlineMs - clock.monotonicMs());
    const timeoutMs = Math.min(ANSWER_MS * 2 ** (attempt - 1), restMs);
    const failure = await askAll(cluster, topic, { timeoutMs, signal });
    if (failure === undefined) return await cluster.topic(topic, signal);
    // A broker that is starting refuses at once: only the clock says when it was asked for long.
    const waitMs = backoffMs(RETRY_BACKOFF, attempt, random);
    if (!failure.retriable || clock.monotonicMs() + waitMs >= deadlineMs) throw failure;
    await cluster.scope.sleep(waitMs, signal);
  }
}

/** Asks every broker; gives why, when none of them answered. */
async function askAll(
  cluster: Cluster,
  topic: string,
  limits: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
): Promise<CodedError | undefined> {
  const request = { topics: [topic] };
  const asked = cluster.cache.brokerIds().flatMap((brokerId) => {
    const connection = cluster.broker(brokerId);
    if (connection === undefined) return [];
    return [connection.call("MetadataService", "getMetadata", request, limits)];
  });
  const answers = await Promise.allSettled(asked);
  cluster.scope.check(limits.signal);
  const nowMs = cluster.environment.clock.monotonicMs();
  for (const answer of answers) {
    if (answer.status === "fulfilled") cluster.cache.apply(answer.value, nowMs);
  }
  if (answers.some(({ status }) => status === "fulfilled")) return undefined;
  const reasons = answers.map((each) => (each.status === "rejected" ? each.reason : undefined));
  return CodedError.from(
    reasons[0] ?? new CodedError("BROKER_NOT_AVAILABLE", "no broker is known"),
  );
}
