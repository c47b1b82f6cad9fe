export { DEFAULT_HOST_LIMITS, type HostLimits } from "./core/host-limits.ts";
export { MalformedMessageError } from "./core/malformed-message-error.ts";
export { Gossip, type GossipHandler } from "./io/gossip.ts";
export { type CallHandler, type CallOptions, PeerCalls } from "./io/peer-calls.ts";
export {
  PeerHub,
  type PeerHubOptions,
  type PeerListener,
  type RaftEndpoint,
} from "./io/peer-hub.ts";
export type { GroupFailure, HostStats, RaftHostOptions } from "./io/host-options.ts";
export { RaftHost } from "./io/raft-host.ts";
export {
  DEFAULT_TCP_LIMITS,
  type TcpLimits,
  type TcpPeerLinkOptions,
} from "./node/tcp-options.ts";
export { TcpPeerLink } from "./node/tcp-peer-link.ts";
export type * from "./ports/frame.ts";
export type * from "./ports/log-storage.ts";
export { PEER_MESSAGE } from "./ports/peer-link.ts";
export type * from "./ports/peer-link.ts";
export type * from "./ports/raft-group.ts";
