import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Logger } from "@stratalog/base";
import type { ListenerTls } from "../grpc/socket-acceptor.ts";
import { bindListener } from "./bind-listener.ts";

/** An answer of a page. */
export interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Pages by path, for example "/healthz". What a page throws is a 500 and goes to the log. */
export type Pages = Readonly<Record<string, () => Page | Promise<Page>>>;

/** Where to listen and what to show. */
export interface HttpListenerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly pages: Pages;
  readonly logger: Logger;
  /** Default: no encryption. */
  readonly tls?: ListenerTls | undefined;
  /** Connections at once. Default 256. */
  readonly connectionsMax?: number;
  /** Time for a request to come, the first one's headers included. Default 5,000. */
  readonly requestMs?: number;
}

const CONNECTIONS_MAX_DEFAULT = 256;
/** Headers of one request, as Node counts them. */
export const HEADER_BYTES_MAX = 8 * 1024;
const REQUEST_MS_DEFAULT = 5_000;
const KEEP_ALIVE_MS = 10_000;

function boundsOf(requestMs: number): ServerOptions {
  return {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: requestMs,
    requestTimeout: requestMs,
    // Node looks for what is overdue every 30 s by default.
    connectionsCheckingInterval: Math.ceil(requestMs / 5),
    keepAliveTimeout: KEEP_ALIVE_MS,
  };
}

/** The port for operators and their tools: GET and HEAD of a few pages, nothing else. */
export class HttpListener {
  readonly #options: HttpListenerOptions;
  readonly #pages: ReadonlyMap<string, Pages[string]>;
  readonly #server: Server;
  #forget: () => void = () => {};

  constructor(options: HttpListenerOptions) {
    this.#options = options;
    this.#pages = new Map(Object.entries(options.pages));
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      this.#answer(request, response).catch((error: unknown) => {
        options.logger.error({ err: error, path: request.url }, "a page failed");
        if (!response.headersSent) respond(response, plain(500, "internal error"));
        else response.destroy();
      });
    };
    this.#server = this.#createServer(answer);
    this.#server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX_DEFAULT;
    this.#server.on("clientError", (_error, socket) => {
      // Whoever speaks no HTTP gets the connection closed, which is all there is to say.
      socket.destroy();
    });
  }

  /** Binds; resolves with the port. Rejects with ADDRESS_IN_USE or INVALID_CONFIG. */
  start(): Promise<number> {
    return bindListener(this.#server, this.#options);
  }

  /** Closes at once: no page takes long. */
  stop(): Promise<void> {
    this.#forget();
    return new Promise((resolve) => {
      // The only error is that it was not listening, which is what was asked for.
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #createServer(answer: RequestListener): Server {
    const { tls, requestMs = REQUEST_MS_DEFAULT } = this.#options;
    const bounds = boundsOf(requestMs);
    if (tls === undefined) return createServer(bounds, answer);
    const server = createTlsServer(
      {
        ...bounds,
        ...tls.current,
        requestCert: tls.requiresClientCertificate,
        rejectUnauthorized: tls.requiresClientCertificate,
        handshakeTimeout: requestMs,
      },
      answer,
    );
    server.on("tlsClientError", (error, socket) => {
      this.#options.logger.debug({ reason: error.message }, "a TLS handshake failed");
      socket.destroy();
    });
    this.#forget = tls.onChange(() => server.setSecureContext(tls.current));
    return server;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      respond(response, plain(405, "only GET"));
      return;
    }
    const path = request.url?.split("?", 1)[0] ?? "/";
    const page = this.#pages.get(path);
    respond(response, page === undefined ? plain(404, "no such page") : await page());
  }
}

/** A page of one line of text. */
export function plain(status: number, text: string): Page {
  return { status, contentType: "text/plain; charset=utf-8", body: `${text}\n` };
}

function respond(response: ServerResponse, page: Page): void {
  response.writeHead(page.status, {
    "content-type": page.contentType,
    "content-length": Buffer.byteLength(page.body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  // Node leaves the body out of an answer to HEAD.
  response.end(page.body);
}
