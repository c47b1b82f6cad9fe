import { setTimeout as delay } from "node:timers/promises";
import type { BrokerProcess } from "../integration/broker-process.ts";

const WAIT_MS_MAX = 60_000;
const POLL_MS = 50;

/** One figure of a broker's metrics page; undefined when it does not answer. */
export async function figureOf(broker: BrokerProcess, name: string): Promise<number | undefined> {
  const page = await broker.get("/metrics");
  const line = new RegExp(`^stratalog_${name} (\\S+)$`, "m").exec(page?.body ?? "");
  return line?.[1] === undefined ? undefined : Number(line[1]);
}

/** Waits until a broker has everything that the others had committed at this moment. */
export async function caughtUp(
  broker: BrokerProcess,
  others: readonly BrokerProcess[],
): Promise<void> {
  const marks = await Promise.all(others.map((other) => figureOf(other, "high_watermark_sum")));
  const target = Math.max(...marks.map((mark) => mark ?? 0));
  const endMs = performance.now() + WAIT_MS_MAX;
  while (performance.now() < endMs) {
    if (((await figureOf(broker, "high_watermark_sum")) ?? 0) >= target) return;
    await delay(POLL_MS);
  }
  throw new Error(`broker ${broker.plan.id} is still behind after ${WAIT_MS_MAX} ms`);
}
