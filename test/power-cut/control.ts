import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import { ClusterLife, type LifeOutcome } from "./cluster-life.ts";

const PRELOAD = fileURLToPath(new URL("unsynced.mjs", import.meta.url));
/** No checkpoint and no second file: what is not synced is then the end of the log, and torn off. */
const SETTINGS = {
  "wal.file.bytes": 64 * 1024 * 1024,
  "wal.checkpoint.interval.ms": 600_000,
} as const;
const LIE_MS = 500;

/**
 * The same with brokers whose `fdatasync` does nothing from some time on. Acknowledged records
 * must be found missing: a cut takes what is not synced, and the comparison sees it.
 */
export async function controlLife(seed: number): Promise<LifeOutcome> {
  const options = process.env["NODE_OPTIONS"];
  process.env["NODE_OPTIONS"] = `${options ?? ""} --import ${PRELOAD}`;
  let life: ClusterLife;
  try {
    life = await ClusterLife.start(seed, { brokers: 3, settings: SETTINGS });
  } finally {
    if (options === undefined) delete process.env["NODE_OPTIONS"];
    else process.env["NODE_OPTIONS"] = options;
  }
  try {
    for (const broker of life.brokers) broker.signal("SIGUSR2");
    await delay(LIE_MS);
    await life.cut({
      mode: "all",
      kind: "nothing",
      victim: 0,
      loadMs: LIE_MS,
      isQuiet: true,
      lingerMs: 0,
    });
    return life.outcome();
  } finally {
    await life.end();
  }
}
