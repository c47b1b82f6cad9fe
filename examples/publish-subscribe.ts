import type { Stratalog } from "@stratalog/client";

/**
 * Publish and subscribe: every subscriber is a group of its own, so each gets every record, however
 * late it comes, at its own pace. A subscriber that is away for a while goes on where it was; one
 * that is new begins with what is new, unless it asks for everything.
 */
export async function subscribe(
  log: Stratalog,
  subscriber: { readonly name: string; readonly fromBeginning?: boolean },
  onNews: (news: string, signal: AbortSignal) => Promise<void> | void,
): Promise<void> {
  const { name, fromBeginning = false } = subscriber;
  await using consumer = log.consumer({ group: name, topics: ["news"], fromBeginning });
  await consumer.run({
    handler: (record, { signal }) => onNews(record.text() ?? "", signal),
  });
}
