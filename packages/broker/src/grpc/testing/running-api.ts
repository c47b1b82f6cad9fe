import {
  brokerId,
  machineClock,
  machineRandom,
  machineTimers,
  silentLogger,
} from "@stratalog/base";
import { createServiceClient, type ServiceName } from "@stratalog/protocol";
import type { ServiceClient, Services } from "@stratalog/protocol";
import { FakeCluster } from "../../services/testing/fake-cluster.ts";
import { FakeCoordinator } from "../../services/testing/fake-coordinator.ts";
import { BrokerMetrics } from "../../telemetry/broker-metrics.ts";
import { type ClientApi, type ClientApiOptions, createClientApi } from "../client-api.ts";

/** A client port on loopback over fakes, and clients to it. */
export interface RunningApi extends AsyncDisposable {
  readonly cluster: FakeCluster;
  readonly coordinator: FakeCoordinator;
  readonly metrics: BrokerMetrics;
  readonly api: ClientApi;
  readonly port: number;
  client<Name extends ServiceName>(name: Name): ServiceClient<Services[Name]>;
}

/**
 * Starts one; by default a formed cluster with topic "orders" of two partitions that are led here.
 */
export async function startApi(options: Partial<ClientApiOptions> = {}): Promise<RunningApi> {
  const cluster = FakeCluster.formed();
  await cluster.addTopic("orders", 2);
  const coordinator = new FakeCoordinator();
  const metrics = new BrokerMetrics();
  const api = createClientApi({
    listener: "client",
    host: "127.0.0.1",
    port: 0,
    brokerId: brokerId(1),
    clock: machineClock,
    timers: machineTimers,
    random: machineRandom,
    logger: silentLogger,
    metrics,
    replicas: cluster,
    metadata: cluster,
    leaders: cluster,
    controller: cluster,
    coordinator,
    controllerVoters: [brokerId(1)],
    topicDefaults: { partitionCount: 1, config: {} },
    produceInflightBytes: 64 * 1024 * 1024,
    ...options,
  });
  const port = await api.listener.start();
  api.listener.setServing(true);
  const clients: { close(): void }[] = [];
  return {
    cluster,
    coordinator,
    metrics,
    api,
    port,
    client: (name) => {
      const client = createServiceClient(name, { address: `127.0.0.1:${port}` });
      clients.push(client);
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.close();
      await api.listener.stop(200);
    },
  };
}
