import { setTimeout as delay } from "node:timers/promises";
import type { ProcessCluster } from "./process-cluster.ts";

const FIGURE = /^stratalog_(log_end_offset|high_watermark)_sum (\d+)$/gm;
const WAIT_MS_MAX = 20_000;
const POLL_MS = 20;

/** Waits until all brokers hold the same records, and all of them are committed. */
export async function settled(cluster: ProcessCluster): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS_MAX;
  while (performance.now() < deadlineMs) {
    const pages = await Promise.all(cluster.brokers.map((broker) => broker.get("/metrics")));
    const figures = pages.flatMap((page) =>
      Array.from((page?.body ?? "").matchAll(FIGURE), (match) => match[2]),
    );
    const isWhole = figures.length === 2 * cluster.brokers.length;
    if (isWhole && new Set(figures).size === 1) return;
    await delay(POLL_MS);
  }
  throw new Error(`the replicas do not become equal within ${WAIT_MS_MAX} ms`);
}
