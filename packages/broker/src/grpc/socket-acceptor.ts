import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type SecureContextOptions } from "node:tls";
import type { Logger } from "@stratalog/base";

/** Encryption of a listener: its certificate and whom it trusts. */
export interface ListenerTls {
  /** Certificate, key and authorities; a connection is made with what they are at that time. */
  readonly current: SecureContextOptions;
  /** Whether clients must show a certificate of those authorities. */
  readonly requiresClientCertificate: boolean;
  /** Calls back when `current` has changed; returns how to stop. */
  onChange(callback: () => void): () => void;
}

/** What accepts sockets. */
export interface SocketAcceptorOptions {
  readonly tls: ListenerTls | undefined;
  readonly logger: Logger;
  /** Time for a TLS handshake. */
  readonly handshakeTimeoutMs: number;
  /** Whether a socket may come in at all; one that may not is closed. */
  readonly admit: (socket: Socket) => boolean;
  /** Takes over a socket that may carry HTTP/2. */
  readonly accept: (socket: Socket) => void;
}

/** TLS handshakes at one time; each costs a signature. */
export const HANDSHAKES_MAX = 256;

/** Accepts sockets and, with TLS, shakes hands. Its server is bound by the caller. */
export class SocketAcceptor {
  readonly server: Server;
  readonly #handshakes = new Set<Socket>();
  #forget: () => void = () => {};

  constructor(options: SocketAcceptorOptions) {
    const { tls } = options;
    this.server =
      tls === undefined
        ? createServer({ noDelay: true }, (socket) => {
            if (options.admit(socket)) options.accept(socket);
            else socket.destroy();
          })
        : this.#createTlsServer(options, tls);
  }

  /** Takes no more sockets; resolves when those that were accepted are closed. */
  close(): Promise<void> {
    this.#forget();
    for (const socket of this.#handshakes) socket.destroy();
    return new Promise((resolve) => {
      // The only error is that it was not listening, which is what was asked for.
      this.server.close(() => resolve());
    });
  }

  #createTlsServer(options: SocketAcceptorOptions, tls: ListenerTls): Server {
    const { logger, handshakeTimeoutMs, accept } = options;
    const server = createTlsServer({
      ...tls.current,
      requestCert: tls.requiresClientCertificate,
      rejectUnauthorized: tls.requiresClientCertificate,
      ALPNProtocols: ["h2"],
      handshakeTimeout: handshakeTimeoutMs,
      noDelay: true,
    });
    server.on("connection", (socket: Socket) => {
      if (this.#handshakes.size >= HANDSHAKES_MAX || !options.admit(socket)) {
        socket.destroy();
        return;
      }
      this.#handshakes.add(socket);
      socket.once("close", () => this.#handshakes.delete(socket));
    });
    server.on("secureConnection", (socket) => {
      // The library does not say which socket an encrypted one came from; its other end does.
      for (const open of this.#handshakes) {
        if (hasSameEnd(open, socket)) this.#handshakes.delete(open);
      }
      if (socket.alpnProtocol === "h2") accept(socket);
      else socket.destroy();
    });
    server.on("tlsClientError", (error, socket) => {
      logger.debug({ reason: error.message }, "a client failed its TLS handshake");
      socket.destroy();
    });
    this.#forget = tls.onChange(() => server.setSecureContext(tls.current));
    return server;
  }
}

function hasSameEnd(a: Socket, b: Socket): boolean {
  return a.remotePort === b.remotePort && a.remoteAddress === b.remoteAddress;
}
