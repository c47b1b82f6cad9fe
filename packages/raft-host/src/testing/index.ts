export type { ContractCase } from "./contract-case.ts";
export { type DataPlace, type LogStorageRig, logStorageContract } from "./log-storage-contract.ts";
export { type PeerLinkRig, peerLinkContract, testHello } from "./peer-link-contract.ts";
export { type PeerEvent, RecordingPeerHandler } from "./recording-peer-handler.ts";
export { MemoryLog } from "./memory-log.ts";
export { MemoryLogStorage, type MemoryLogStorageOptions } from "./memory-log-storage.ts";
export { plainFrameCodec } from "./plain-frame-codec.ts";
export { HostCluster, type HostClusterOptions, RecordingListener } from "./host-cluster.ts";
export { MemoryPeerLink, MemoryPeerNetwork } from "./memory-peer-network.ts";
export { decodeWireMessages, encodeWireMessages } from "../core/wire-codec.ts";
export type { RaftWireMessage, SnapshotPart, WireMessage } from "../core/wire-message.ts";
export {
  type CallRequest,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from "../core/call-codec.ts";
export { decodeConfChange, encodeConfChange } from "../core/conf-change-codec.ts";
export { decodeHandshake, encodeHandshake, type Handshake } from "../core/handshake.ts";
export { MessageAssembler } from "../core/message-assembler.ts";
export { MessageBatch } from "../core/message-batch.ts";
export { RIG_BROKERS, RIG_HOST, TcpRig } from "./tcp-rig.ts";
