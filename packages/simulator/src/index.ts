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
  SimulationFailure,
} from "./raft/raft-simulation.ts";
export { Violation } from "./raft/violation.ts";
