import type { BrokerId } from "@stratalog/base";

/**
 * control: small and urgent (votes, heartbeats, acknowledgements, calls); bulk: appends and
 * snapshots. Never behind each other.
 */
export type Lane = "control" | "bulk";

export const LANES: readonly Lane[] = ["control", "bulk"];

/** First byte of every peer message. */
export const PEER_MESSAGE = {
  raft: 1,
  request: 2,
  response: 3,
  gossip: 4,
} as const;

export type PeerMessageKind = (typeof PEER_MESSAGE)[keyof typeof PEER_MESSAGE];

/**
 * sent: handed to the connection; full: over the lane's byte budget, nothing was taken; down: no
 * connection.
 */
export type SendResult = "sent" | "full" | "down";

/**
 * Why a peer went down. `refused` is evidence that its process is dead; `silent` is only the lack
 * of any.
 */
export type PeerDownReason = "closed" | "refused" | "silent" | "rejected";

/**
 * What the other end says of itself when a connection opens; both sides check it before any other
 * byte is read.
 */
export interface PeerHello {
  readonly protocolVersion: number;
  /** Absent until the cluster has formed. */
  readonly clusterId: string | undefined;
  readonly brokerId: BrokerId;
  readonly directoryId: string;
  /** A UUID drawn at each start of the process. */
  readonly incarnation: string;
  /**
   * Where the others can dial it. Whoever was not told of this broker answers it there; without an
   * address it hears no answer from them.
   */
  readonly address?: PeerAddress | undefined;
}

/**
 * Receives what a peer link delivers. All calls come on the event loop, one at a time, in order
 * per peer and lane.
 */
export interface PeerHandler {
  /** `payload` belongs to the receiver and is never reused by the link. */
  onMessage(from: BrokerId, lane: Lane, kind: PeerMessageKind, payload: Uint8Array): void;
  onPeerUp(peer: BrokerId, hello: PeerHello): void;
  onPeerDown(peer: BrokerId, reason: PeerDownReason): void;
  /** The lane answered `full` and has room again. */
  onDrained(peer: BrokerId, lane: Lane): void;
  /** Whether to accept a connection; a text says why not and is sent to the other side. */
  checkHello(hello: PeerHello): string | undefined;
}

/** Where a peer listens. */
export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Messages between brokers. Delivery is at most once and in order per lane while a connection
 * lives; the link redials by
 * itself. Parts handed to `send` are not changed by the caller afterwards; they are not copied.
 */
export interface PeerLink {
  /** Starts to listen; resolves with the port in use (asked-for port 0 gives a free one). */
  start(handler: PeerHandler): Promise<{ readonly port: number }>;
  stop(): Promise<void>;
  /**
   * The peers to keep connections to; may be called again as brokers come, go or move. Whoever
   * else connects is a guest: it is answered at the address in its hello while it is connected.
   */
  setPeers(peers: ReadonlyMap<BrokerId, PeerAddress>): void;
  /** Says what this side is; may be called again once the cluster id is known. */
  setHello(hello: PeerHello): void;
  send(to: BrokerId, lane: Lane, kind: PeerMessageKind, parts: readonly Uint8Array[]): SendResult;
  isUp(peer: BrokerId): boolean;
}
