import { fileURLToPath } from "node:url";
import { machineClock, machineTimers } from "@stratalog/base";
import type { CommandContext } from "../commands/command-context.ts";
import type { DevCluster } from "../dev/dev-cluster.ts";
import { readBundledHistory } from "../history/bundled-history.ts";
import { readEventFile } from "../history/event-file.ts";
import { readGitHistory } from "../history/git-history.ts";
import type { History } from "../history/history.ts";
import { OrderGenerator } from "../orders/order-generator.ts";
import { EXIT } from "../output/exit-codes.ts";
import { formatCount, formatDuration } from "../output/figures.ts";
import { formatTable } from "../output/table.ts";
import { AckLedger } from "./ack-ledger.ts";
import { DeliveryLedger } from "./delivery-ledger.ts";
import { sayClosing } from "./closing.ts";
import { connectTourClient } from "./sdk-tour-client.ts";
import { stepCluster } from "./step-cluster.ts";
import { stepGroup } from "./step-group.ts";
import { stepHistory } from "./step-history.ts";
import { stepKill } from "./step-kill.ts";
import { stepOrders } from "./step-orders.ts";
import { stepReplay } from "./step-replay.ts";
import { stepRestart } from "./step-restart.ts";
import type { TourClient } from "./tour-client.ts";
import type { TourContext, TourPlan } from "./tour-context.ts";
import { TourReport } from "./tour-report.ts";

const STEP_COUNT = 7;
const SEED = 20_261_120;
const ORDER_COUNT = 100_000;
const PARTITION_COUNT = 12;
const LOAD_PER_SECOND = 4000;
const REPOSITORY = fileURLToPath(new URL("../../../..", import.meta.url));

/** What the tour runs on. */
export interface TourInput {
  readonly cluster: DevCluster;
  readonly history: History;
  readonly context: CommandContext;
  /** Start of the command on the machine's monotonic clock. */
  readonly startMs: number;
  /** Whether the cluster stays when the tour is over: then it says what to try. */
  readonly stays: boolean;
}

/**
 * The history for step 7: the file when one is named, else this repository's, else the bundled one.
 */
export async function loadHistory(eventsPath: string | undefined): Promise<History> {
  if (eventsPath !== undefined) return readEventFile(eventsPath);
  return (await readGitHistory(REPOSITORY)) ?? readBundledHistory();
}

/** Takes the tour over a cluster that runs; resolves to 0 only if every comparison held. */
export async function runTour(input: TourInput): Promise<number> {
  const { cluster, history, context, startMs } = input;
  const report = new TourReport(context.output, STEP_COUNT);
  const client = connectTourClient(cluster.clientAddresses);
  try {
    const names = await freeNames(client);
    const tour: TourContext = {
      client,
      cluster: tourCluster(cluster),
      plan: {
        ...names,
        partitionCount: PARTITION_COUNT,
        orderCount: ORDER_COUNT,
        loadPerSecond: LOAD_PER_SECOND,
        treeFolder: cluster.directory.path,
        history,
      },
      report,
      generator: new OrderGenerator(SEED),
      acks: new AckLedger(),
      deliveries: new DeliveryLedger(),
      clock: machineClock,
      timers: machineTimers,
      signal: context.signal,
      startMs,
    };
    await runSteps(tour);
    summarize(tour);
    if (input.stays) sayClosing(context.output, cluster, tour.plan);
    return report.failedCount === 0 ? EXIT.ok : EXIT.error;
  } finally {
    await client.close();
  }
}

/** The seven steps in order. */
export async function runSteps(tour: TourContext): Promise<void> {
  await stepCluster(tour);
  await stepOrders(tour);
  const member = await stepGroup(tour);
  const victim = await stepKill(tour);
  await stepRestart(tour, victim, member);
  await stepReplay(tour);
  await stepHistory(tour);
}

function tourCluster(cluster: DevCluster): TourContext["cluster"] {
  return {
    brokerIds: cluster.plan.brokers.map(({ id }) => id),
    kill: (id) => cluster.kill(id),
    restart: (id) => cluster.restart(id),
    storedCount: (id) => cluster.metric(id, "stratalog_log_end_offset_sum"),
  };
}

/** Names that no earlier tour over the same data has used. */
async function freeNames(
  client: TourClient,
): Promise<Pick<TourPlan, "ordersTopic" | "historyTopic" | "group">> {
  const taken = new Set(await client.listTopics());
  for (let run = 1; ; run++) {
    const suffix = run === 1 ? "" : `-${run}`;
    const names = {
      ordersTopic: `orders${suffix}`,
      historyTopic: `history${suffix}`,
      group: `billing${suffix}`,
    };
    if (!taken.has(names.ordersTopic) && !taken.has(names.historyTopic)) return names;
  }
}

function summarize(tour: TourContext): void {
  const { clock, report, startMs } = tour;
  report.say("");
  report.say(
    formatTable(
      ["figure", "value"],
      report.figures.map(({ name, value }) => [name, value]),
    ),
  );
  report.say("");
  const total = report.heldCount + report.failedCount;
  const verdict =
    report.failedCount === 0
      ? `All ${formatCount(total)} comparisons held.`
      : `${report.failedCount} of ${total} comparisons did NOT hold.`;
  report.say(`${verdict} The tour took ${formatDuration(clock.monotonicMs() - startMs)}.`);
}
