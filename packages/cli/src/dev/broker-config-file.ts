import { writeFile } from "node:fs/promises";
import { type ClusterPlan, type DevDirectory, LOOPBACK } from "./dev-directory.ts";

/**
 * Three brokers share one small disk here: files of 64 MiB would make hundreds of MiB of an empty
 * cluster.
 */
const WAL_FILE_BYTES = 16 * 1024 * 1024;

/** The controller's voters among `count` brokers: an odd number, at most five. */
function voterCount(count: number): number {
  if (count >= 5) return 5;
  return count >= 3 ? 3 : 1;
}

/** Writes the YAML file of each broker, complete enough to start one of them by hand. */
export async function writeBrokerConfigs(
  directory: DevDirectory,
  plan: ClusterPlan,
): Promise<void> {
  const seeds = plan.brokers
    .slice(0, voterCount(plan.brokers.length))
    .map(({ id, peerPort }) => `${id}@${LOOPBACK}:${peerPort}`);
  for (const broker of plan.brokers) {
    const settings: readonly (readonly [string, unknown])[] = [
      ["node.id", broker.id],
      ["data.dir", directory.dataPath(broker.id)],
      ["seeds", seeds],
      ["listeners.client.port", broker.clientPort],
      ["listeners.peer.port", broker.peerPort],
      ["listeners.http.port", broker.httpPort],
      ["wal.file.bytes", WAL_FILE_BYTES],
    ];
    // JSON is YAML, so its quoting is right for every path.
    const lines = settings.map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
    const head =
      "# Written by `strata dev` at every start; settings of your own go to its --set.\n";
    await writeFile(directory.configPath(broker.id), head + lines.join(""));
  }
}
