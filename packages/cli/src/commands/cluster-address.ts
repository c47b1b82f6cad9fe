import { dirname, join, parse, resolve } from "node:path";
import { DevDirectory, LOOPBACK } from "../dev/dev-directory.ts";
import { DEV_DIRECTORY_NAME } from "../dev/dev-directory-name.ts";
import { usualPorts } from "../dev/port-plan.ts";
import { findRunning } from "../dev/run-claim.ts";

/**
 * The brokers to ask: those named, else the cluster that `strata dev` runs in this directory or one
 * above, else the usual port of broker 1 on this machine.
 */
export async function clusterAddresses(named: string | undefined): Promise<string[]> {
  if (named !== undefined && named.trim() !== "") {
    return named
      .split(",")
      .map((address) => address.trim())
      .filter((address) => address !== "");
  }
  const top = parse(resolve(".")).root;
  for (let folder = resolve("."); ; folder = dirname(folder)) {
    const running = await findRunning(new DevDirectory(join(folder, DEV_DIRECTORY_NAME)));
    if (running !== undefined) {
      return running.plan.brokers.map(({ clientPort }) => `${LOOPBACK}:${clientPort}`);
    }
    if (folder === top) return [`${LOOPBACK}:${usualPorts(1).clientPort}`];
  }
}
