import type { ConsumedRecord, Consumer, Stratalog } from "@stratalog/client";

/**
 * Competing consumers: every worker joins one group, and each job goes to one of them. A worker
 * does ten jobs at a time, in whatever order they finish; a job that fails five times goes to the
 * topic "jobs.dlq", where `strata dlq` shows it and sends it back. Start as many workers as you
 * like, in as many processes, up to the number of the topic's partitions.
 */
export function startWorker(
  log: Stratalog,
  work: (job: ConsumedRecord, signal: AbortSignal) => Promise<void>,
): { readonly worker: Consumer; readonly running: Promise<void> } {
  const worker = log.consumer({ group: "workers", topics: ["jobs"], fromBeginning: true });
  const running = worker.run({
    concurrency: 10,
    orderBy: "none",
    retry: { attempts: 5, backoffMs: 100 },
    deadLetter: true,
    handler: (job, { signal }) => work(job, signal),
  });
  return { worker, running };
}
