export { FakeRaftCluster, FakeRaftGroup } from "./fake-raft-cluster.ts";
export { type StateMachineContract, stateMachineContract } from "./state-machine-contract.ts";
