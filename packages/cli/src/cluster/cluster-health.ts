import { CodedError, machineClock, machineTimers, sleep } from "@stratalog/base";
import type { Admin, ClusterDescription, ReplicationDescription } from "@stratalog/client";
import { useClient } from "../commands/client-command.ts";
import type { ClusterHealthOptions } from "../commands/cluster-command.ts";
import type { CommandContext } from "../commands/command-context.ts";
import { EXIT } from "../output/exit-codes.ts";

const LOOK_AGAIN_MS = 500;

/** Runs `strata cluster health` and resolves to its exit code. */
export async function checkHealth(
  options: ClusterHealthOptions,
  context: CommandContext,
): Promise<number> {
  const { output, signal } = context;
  const limitMs = machineClock.monotonicMs() + options.wait * 1000;
  const isLast = (): boolean => signal.aborted || machineClock.monotonicMs() >= limitMs;
  return useClient(options, async (client) => {
    for (;;) {
      const problems = await lookOnce(client.admin(), { signal, isLast: isLast() });
      if (problems.length === 0) {
        output.line("healthy");
        return EXIT.ok;
      }
      if (isLast()) {
        for (const problem of problems) output.line(problem);
        return signal.aborted ? EXIT.interrupted : EXIT.unhealthy;
      }
      output.progress(`waiting: ${problems[0]}`);
      await sleep(machineTimers, LOOK_AGAIN_MS);
    }
  });
}

/** A cluster that does not answer is a problem to wait out, until it is the last look. */
async function lookOnce(
  admin: Admin,
  { signal, isLast }: { readonly signal: AbortSignal; readonly isLast: boolean },
): Promise<readonly string[]> {
  try {
    const status = await admin.describeCluster({ signal });
    return problemsOf(status, await admin.describeReplication({ signal }));
  } catch (error) {
    const coded = CodedError.from(error);
    if (isLast || !coded.retriable) throw coded;
    return [coded.message];
  }
}

/** What is wrong with a cluster, a line each; none when it is healthy. */
export function problemsOf(
  { controller, brokers }: Pick<ClusterDescription, "controller" | "brokers">,
  replication: ReplicationDescription,
): readonly string[] {
  const fenced = brokers.filter(({ isFenced }) => isFenced).map(({ brokerId }) => brokerId);
  const short = replication.partitions.filter(({ followers }) =>
    followers.some(({ isInSync }) => !isInSync),
  );
  const { leaderlessCount, damagedReplicaCount, silentBrokers } = replication;
  return [
    ...(controller === undefined ? ["there is no controller"] : []),
    ...fenced.map((brokerId) => `broker ${brokerId} is counted out: it sends no heartbeats`),
    ...silentBrokers
      .filter(({ brokerId }) => !fenced.includes(brokerId))
      .map(({ brokerId, reason }) => `broker ${brokerId} does not answer: ${reason}`),
    ...(leaderlessCount > 0 ? [`${leaderlessCount} partitions have no leader`] : []),
    ...(short.length > 0
      ? [`${short.length} partitions are under-replicated: ${namesOf(short)}`]
      : []),
    ...(damagedReplicaCount > 0 ? [`${damagedReplicaCount} replicas are damaged`] : []),
  ];
}

const NAMES_MAX = 5;

function namesOf(partitions: ReplicationDescription["partitions"]): string {
  const names = partitions.map(({ topic, partition }) => `${topic}/${partition}`).toSorted();
  const rest = names.length - NAMES_MAX;
  return names.slice(0, NAMES_MAX).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
