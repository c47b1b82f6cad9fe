export { FakeReplication } from "./fake-replication.ts";
export { MemoryLog } from "./memory-log.ts";
export {
  type HarnessOptions,
  openLeader,
  openReplica,
  type ReplicaHarness,
  type TestBatch,
  testBatch,
} from "./replica-harness.ts";
