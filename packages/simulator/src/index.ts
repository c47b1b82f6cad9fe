export { EventHeap, type SimEvent } from "./kernel/event-heap.ts";
export { type ScheduleOptions, SimKernel } from "./kernel/sim-kernel.ts";
export { SimNode, type SimNodeState } from "./kernel/sim-node.ts";
export { Trace } from "./kernel/trace.ts";
export { SimNetwork, type SimNetworkOptions, type WireTap } from "./network/sim-network.ts";
export { SimPeerLink } from "./network/sim-peer-link.ts";
export {
  type RaftSimulationOptions,
  type RaftSimulationReport,
  runRaftSimulation,
} from "./raft/raft-simulation.ts";
export {
  type CoreSimulationOptions,
  type CoreSimulationReport,
  runCoreSimulation,
} from "./raft-core/core-simulation.ts";
export { SimulationFailure } from "./raft/simulation-failure.ts";
export { Violation } from "./raft/violation.ts";
