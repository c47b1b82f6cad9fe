import { fileURLToPath } from "node:url";
import { machineClock } from "@stratalog/base";
import { loadBrokerConfig } from "@stratalog/broker";
import type { CommandContext } from "../commands/command-context.ts";
import type { DevCommandOptions } from "../commands/dev-command.ts";
import { EXIT } from "../output/exit-codes.ts";
import { formatTable } from "../output/table.ts";
import { describeEnd } from "./broker-process.ts";
import { DevCluster } from "./dev-cluster.ts";
import { type ClusterPlan, DevDirectory, LOOPBACK } from "./dev-directory.ts";
import { findRunning } from "./run-claim.ts";

const STRATA = fileURLToPath(new URL("../../bin/strata.js", import.meta.url));

/** Runs `strata dev` and resolves to its exit code. */
export async function runDev(options: DevCommandOptions, context: CommandContext): Promise<number> {
  const { output } = context;
  const startMs = machineClock.monotonicMs();
  const directory = new DevDirectory(options.data);
  const running = await findRunning(directory);
  if (running !== undefined) {
    output.note(`A cluster runs over ${directory.path} (process ${running.run.supervisorPid}).`);
    output.note(planTable(running.plan, (id) => running.run.brokers.find((b) => b.id === id)?.pid));
    // A tour that did not happen has not held.
    return options.exit === true ? EXIT.error : EXIT.ok;
  }
  // Reading the input first: what is wrong in it must not cost the start of a cluster.
  loadBrokerConfig({ flags: ["node.id=1", `data.dir=${options.data}`, ...options.set] });
  const tour = options.tour === true ? await import("../tour/run-tour.ts") : undefined;
  const history = await tour?.loadHistory(options.events);
  const cluster = await DevCluster.start({
    directory,
    brokerCount: options.brokers,
    program: { args: [STRATA, "broker"], settings: options.set },
    signal: context.signal,
    onUnexpectedEnd: (id, end) => {
      const log = directory.logPath(id);
      output.note(`broker ${id} stopped by itself${describeEnd(end)}; its log: ${log}`);
    },
  });
  const onForce = (): void => void cluster.killAll();
  context.force.addEventListener("abort", onForce, { once: true });
  try {
    let exitCode: number = EXIT.ok;
    if (tour !== undefined && history !== undefined) {
      exitCode = await tour.runTour({
        cluster,
        history,
        context,
        startMs,
        stays: options.exit !== true,
      });
    } else {
      output.note(`Cluster up over ${directory.path}`);
      output.note(planTable(cluster.plan, (id) => cluster.pidOf(id)));
    }
    if (options.exit !== true && !context.signal.aborted) {
      output.note("Ctrl-C stops the cluster.");
      await aborted(context.signal);
    } else if (context.signal.aborted) exitCode = EXIT.interrupted;
    return exitCode;
  } finally {
    output.note("Stopping the brokers ...");
    await cluster.stop();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function planTable(plan: ClusterPlan, pidOf: (id: number) => number | undefined): string {
  const rows = plan.brokers.map(({ id, clientPort, peerPort, httpPort }) => [
    id,
    pidOf(id) ?? "-",
    `${LOOPBACK}:${clientPort}`,
    `${LOOPBACK}:${peerPort}`,
    `http://${LOOPBACK}:${httpPort}/metrics`,
  ]);
  return formatTable(["broker", "process", "clients", "peers", "http"], rows);
}
