import { CodedError } from "@stratalog/base";
import { backoffMs, RETRY_BACKOFF } from "../core/backoff.ts";
import type { Connection, RequestOf, ResponseOf, UnaryName } from "../ports/transport.ts";
import type { Cluster } from "./cluster.ts";

/** A broker that coordinates a group. */
export interface Coordinator {
  readonly brokerId: number;
  readonly connection: Connection;
}

/** Finds the broker that coordinates a group. */
export async function findCoordinator(
  cluster: Cluster,
  groupId: string,
  signal?: AbortSignal,
): Promise<Coordinator> {
  const found = await cluster.callAny({
    service: "GroupService",
    method: "findCoordinator",
    request: { groupId },
    effect: "read",
    signal,
  });
  const connection = cluster.brokerAt(found.brokerId, found.host, found.port);
  return { brokerId: found.brokerId, connection };
}

/** Calls a group's coordinator, and the next one when it moved. */
export async function callCoordinator<M extends UnaryName<"GroupService">>(
  cluster: Cluster,
  groupId: string,
  call: {
    readonly method: M;
    readonly request: RequestOf<"GroupService", M>;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<ResponseOf<"GroupService", M>> {
  const { clock, random } = cluster.environment;
  const deadlineMs = clock.monotonicMs() + cluster.options.requestTimeoutMs;
  for (let attempt = 1; ; attempt++) {
    try {
      const { connection } = await findCoordinator(cluster, groupId, call.signal);
      const timeoutMs = Math.max(1, deadlineMs - clock.monotonicMs());
      const limits = { timeoutMs, signal: call.signal };
      return await connection.call("GroupService", call.method, call.request, limits);
    } catch (thrown) {
      const error = CodedError.from(thrown);
      const waitMs = backoffMs(RETRY_BACKOFF, attempt, random);
      if (!error.retriable || clock.monotonicMs() + waitMs >= deadlineMs) throw error;
      await cluster.scope.sleep(waitMs, call.signal);
    }
  }
}
