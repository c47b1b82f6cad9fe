import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { TcpPeerLinkOptions } from "./tcp-options.ts";

/** The listening side of a peer link. */
export interface PeerServer {
  readonly server: Server;
  /** Closes connections that are still in their TLS handshake, and no longer follows the files. */
  stop(): void;
}

/** What a peer server is made with. */
export interface PeerServerOptions extends Pick<TcpPeerLinkOptions, "tls" | "logger"> {
  readonly handshakeTimeoutMs: number;
  /** Connections that may be in their TLS handshake at one time. */
  readonly handshakeCountMax: number;
  /** Takes over a connection; an encrypted one after its TLS handshake. */
  readonly accept: (socket: Socket) => void;
}

/** A server for peers, encrypted when there is TLS. Not listening yet. */
export function createPeerServer(options: PeerServerOptions): PeerServer {
  const { tls, logger, accept } = options;
  if (tls === undefined) return { server: createServer(accept), stop: () => {} };
  const handshakes = new Set<Socket>();
  const server = createTlsServer({
    ...tls.current,
    requestCert: tls.requiresClientCertificate,
    rejectUnauthorized: tls.requiresClientCertificate,
    handshakeTimeout: options.handshakeTimeoutMs,
  });
  server.on("connection", (socket: Socket) => {
    if (handshakes.size >= options.handshakeCountMax) {
      socket.destroy();
      return;
    }
    handshakes.add(socket);
    socket.once("close", () => handshakes.delete(socket));
  });
  server.on("secureConnection", (socket) => {
    // The library does not say which connection an encrypted one came from; its other end does.
    for (const open of handshakes) if (hasSameEnd(open, socket)) handshakes.delete(open);
    accept(socket);
  });
  server.on("tlsClientError", (error, socket) => {
    logger.warn(
      { reason: error.message, address: socket.remoteAddress },
      "a peer connection failed its TLS handshake",
    );
    socket.destroy();
  });
  const forget = tls.onChange(() => server.setSecureContext(tls.current));
  return {
    server,
    stop: () => {
      forget();
      for (const socket of handshakes) socket.destroy();
    },
  };
}

function hasSameEnd(a: Socket, b: Socket): boolean {
  return a.remotePort === b.remotePort && a.remoteAddress === b.remoteAddress;
}
