export { FakeBroker } from "./fake-broker.ts";
export { type AppendFate, FakeCluster, type PendingAppend } from "./fake-cluster.ts";
export { FakePartition, storedSequences } from "./fake-partition.ts";
export { FakeGroup } from "./fake-group.ts";
export { KillableClient } from "./killable-client.ts";
export { FakeOrders } from "./fake-orders.ts";
export { take } from "./take.ts";
export { delay, until } from "./waiting.ts";
