import type { SecureContextOptions } from "node:tls";
import type { Logger, Random, Timers } from "@stratalog/base";

/** Bounds and intervals of a TCP peer link. */
export interface TcpLimits {
  /**
   * Bytes handed to one lane's connection and not yet taken by the kernel, beyond which `send`
   * answers `full`.
   */
  readonly controlBytesMax: number;
  readonly bulkBytesMax: number;
  /** Largest message, kind and payload together. */
  readonly messageBytesMax: number;
  /** A connection that has not finished its handshake by then is closed. */
  readonly handshakeTimeoutMs: number;
  /** Pause before the second redial; doubles up to the maximum. The first redial comes at once. */
  readonly redialMinMs: number;
  readonly redialMaxMs: number;
  /** How often an open connection is asked whether the other end is there. */
  readonly pingMs: number;
  /** Pings without any answer after which the peer counts as silent. */
  readonly silentPingCount: number;
  /** Accepted connections that may be in their handshake at one time. */
  readonly greetingCountMax: number;
  /** Connected brokers that this one was not told of and dials where they say. */
  readonly guestCountMax: number;
}

export const DEFAULT_TCP_LIMITS: TcpLimits = {
  controlBytesMax: 4 * 1024 * 1024,
  bulkBytesMax: 8 * 1024 * 1024,
  messageBytesMax: 64 * 1024 * 1024,
  handshakeTimeoutMs: 2000,
  redialMinMs: 50,
  redialMaxMs: 1000,
  pingMs: 500,
  silentPingCount: 6,
  greetingCountMax: 64,
  guestCountMax: 16,
};

/** Encryption of a peer link: this broker's certificate and whom it trusts. */
export interface PeerTls {
  /** Certificate, key and authorities; a connection is made with what they are at that time. */
  readonly current: SecureContextOptions;
  /** Whether whoever dials must show a certificate of those authorities. */
  readonly requiresClientCertificate: boolean;
  /** Calls back when `current` has changed; returns how to stop. */
  onChange(callback: () => void): () => void;
}

/** What a TCP peer link is made with. */
export interface TcpPeerLinkOptions {
  /** Where to listen for the other brokers. Port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  /** Default: connections are not encrypted. */
  readonly tls?: PeerTls | undefined;
  /** Defaults to {@link DEFAULT_TCP_LIMITS}. */
  readonly limits?: Partial<TcpLimits>;
}
