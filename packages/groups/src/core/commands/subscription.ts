import type { Subscription } from "../group.ts";
import {
  NAME_LENGTH_MAX,
  REBALANCE_TIMEOUT_MS,
  SESSION_TIMEOUT_MS,
  TOPICS_PER_MEMBER_MAX,
} from "../limits.ts";
import { type GroupRefusal, refuse } from "./command-result.ts";

const MEMBER_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What is wrong with what a member asks for. */
export function refuseSubscription(subscription: Subscription): GroupRefusal | undefined {
  const { memberId, topics, prefixes = [], sessionTimeoutMs, rebalanceTimeoutMs } = subscription;
  if (!MEMBER_ID.test(memberId)) {
    return refuse("INVALID_REQUEST", "a member id is a UUID in lower-case text form");
  }
  const wanted = topics.length + prefixes.length;
  if (wanted < 1 || wanted > TOPICS_PER_MEMBER_MAX) {
    const message = `a member wants 1 to ${TOPICS_PER_MEMBER_MAX} topics and prefixes, not ${wanted}`;
    return refuse("INVALID_REQUEST", message);
  }
  if (prefixes.includes("")) {
    return refuse("INVALID_REQUEST", "an empty prefix would want every topic; name what is wanted");
  }
  const names = [
    subscription.instanceId,
    subscription.clientId,
    subscription.rack,
    ...topics,
    ...prefixes,
  ];
  if (names.some((name) => name !== undefined && name.length > NAME_LENGTH_MAX)) {
    const message = `names of topics, clients, racks and instances have at most ${NAME_LENGTH_MAX} characters`;
    return refuse("INVALID_REQUEST", message);
  }
  return (
    refuseTimeout("session timeout", sessionTimeoutMs, SESSION_TIMEOUT_MS) ??
    refuseTimeout("rebalance timeout", rebalanceTimeoutMs, REBALANCE_TIMEOUT_MS)
  );
}

function refuseTimeout(
  name: string,
  timeoutMs: number,
  range: { readonly min: number; readonly max: number },
): GroupRefusal | undefined {
  if (timeoutMs >= range.min && timeoutMs <= range.max) return undefined;
  const message = `a ${name} is ${range.min} to ${range.max} ms, not ${timeoutMs}`;
  return refuse("INVALID_REQUEST", message);
}
