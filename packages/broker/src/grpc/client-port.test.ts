import { Metadata, type ClientDuplexStream } from "@grpc/grpc-js";
import { brokerId, CodedError, machineClock, machineRandom, machineTimers } from "@stratalog/base";
import { callUnary, fromCallError, type ServiceName, type UnaryInvoke } from "@stratalog/protocol";
import { createClientServices } from "../services/client-services.ts";
import { LocalPort } from "../services/local/local-port.ts";
import { noServiceMetrics } from "../services/service-metrics.ts";
import {
  clientPortContract,
  type ContractConnection,
  type ContractPort,
} from "../services/testing/client-port-contract.ts";
import { FakeCluster } from "../services/testing/fake-cluster.ts";
import { FakeCoordinator } from "../services/testing/fake-coordinator.ts";
import { type RunningApi, startApi } from "./testing/running-api.ts";

/** The library's client in the contract's shape. */
function grpcConnection(api: RunningApi): ContractConnection {
  const method = <T>(service: ServiceName, name: string): T => {
    const client = api.client(service) as unknown as Record<string, { bind(to: object): unknown }>;
    // The caller says what the method of that name is.
    return client[name]!.bind(client) as T;
  };
  return {
    call: (service, name, request, { timeoutMs, signal }) => {
      const invoke = method<UnaryInvoke<unknown, unknown>>(service, name);
      const options = { deadlineMs: Date.now() + timeoutMs, ...(signal ? { signal } : {}) };
      return callUnary(invoke, request as object, options);
    },
    open: (service, name, listener) => {
      const open = method<(metadata: Metadata) => ClientDuplexStream<unknown, unknown>>(
        service,
        name,
      );
      const call = open(new Metadata());
      call.on("data", (message: unknown) => listener.onMessage(message));
      let isOver = false;
      const over = (error: CodedError): void => {
        if (!isOver) listener.onEnd(error);
        isOver = true;
      };
      call.on("error", (error) => over(fromCallError(error)));
      call.on("end", () => over(new CodedError("REQUEST_TIMED_OUT", "the broker ended it")));
      return {
        write: (message) => isOver || call.write(message),
        onDrain: (callback) => void call.once("drain", callback),
        end: () => void call.end(),
        cancel: () => call.cancel(),
      };
    },
  };
}

async function openGrpcPort(): Promise<ContractPort> {
  const api = await startApi();
  return {
    cluster: api.cluster,
    coordinator: api.coordinator,
    produceBudget: api.api.produceBudget,
    connect: () => grpcConnection(api),
    stop: (graceMs) => api.api.listener.stop(graceMs),
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

async function openLocalPort(): Promise<ContractPort> {
  const cluster = FakeCluster.formed();
  await cluster.addTopic("orders", 2);
  const coordinator = new FakeCoordinator();
  const environment = {
    listener: "client",
    clock: machineClock,
    timers: machineTimers,
    metadata: cluster,
  };
  const { methods, produceBudget } = createClientServices({
    ...environment,
    brokerId: brokerId(1),
    random: machineRandom,
    metrics: noServiceMetrics,
    replicas: cluster,
    leaders: cluster,
    controller: cluster,
    coordinator,
    controllerVoters: [brokerId(1)],
    topicDefaults: { partitionCount: 1, config: {} },
    produceInflightBytes: 1_000_000,
  });
  const port = new LocalPort({ environment, methods, timers: machineTimers, port: 9095 });
  await port.start();
  let clientCount = 0;
  return {
    cluster,
    coordinator,
    produceBudget,
    connect: () => port.connect(`client-${clientCount++}`),
    stop: (graceMs) => port.stop(graceMs),
    [Symbol.asyncDispose]: () => port.stop(0),
  };
}

clientPortContract("ClientListener", openGrpcPort);
clientPortContract("LocalPort", openLocalPort);
