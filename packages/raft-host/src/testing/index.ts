export type { ContractCase } from "./contract-case.ts";
export { type PeerLinkRig, peerLinkContract, testHello } from "./peer-link-contract.ts";
export { type PeerEvent, RecordingPeerHandler } from "./recording-peer-handler.ts";
export { MemoryLog } from "./memory-log.ts";
export { MemoryLogStorage, type MemoryLogStorageOptions } from "./memory-log-storage.ts";
export { plainFrameCodec } from "./plain-frame-codec.ts";
export { HostCluster, type HostClusterOptions, RecordingListener } from "./host-cluster.ts";
export { MemoryPeerLink, MemoryPeerNetwork } from "./memory-peer-network.ts";
