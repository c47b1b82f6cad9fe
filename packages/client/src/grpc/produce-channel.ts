import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type SecureClientSessionOptions,
} from "node:http2";
import type { Timer, Timers } from "@stratalog/base";
import type { Input, ProduceStreamRequest, ProduceStreamResponse } from "@stratalog/protocol";
import type { OutgoingStream, StreamListener } from "../ports/transport.ts";
import { ProduceCall } from "./produce-call.ts";

/** How a produce channel reaches its broker. */
export interface ProduceChannelOptions {
  /** "host:port". */
  readonly address: string;
  readonly timers: Timers;
  /** Default: no encryption. */
  readonly tls?: SecureClientSessionOptions | undefined;
}

/** Both as for the other services, see CLIENT_CHANNEL_OPTIONS. */
const KEEPALIVE_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 5_000;
/**
 * Time for a connection and its encryption. The system goes on dialling a host that drops packets
 * for minutes, ever more rarely; a new attempt notices sooner that it is back.
 */
const CONNECT_TIMEOUT_MS = 5_000;

const PATH = "/stratalog.v1.ProduceService/ProduceStream";

/** One HTTP/2 connection; it lives as long as it has calls. */
interface Dialled {
  readonly session: ClientHttp2Session;
  readonly calls: Set<ProduceCall>;
  /** False until the connection was there once: nothing can have been sent before. */
  wasConnected: boolean;
}

/**
 * Produce streams to one broker, in gRPC's wire format but without the gRPC library: it would copy
 * each batch twice into fresh memory, and the garbage of that costs a client as much as all else
 * that it does. Batches go from their own memory to the socket. The streams of a channel share a
 * connection.
 */
export class ProduceChannel {
  readonly #options: ProduceChannelOptions;
  #dialled: Dialled | undefined;

  constructor(options: ProduceChannelOptions) {
    this.#options = options;
  }

  open(
    listener: StreamListener<ProduceStreamResponse>,
  ): OutgoingStream<Input<ProduceStreamRequest>> {
    const dialled = this.#usable() ?? this.#dial();
    const stream: ClientHttp2Stream = dialled.session.request(
      {
        ":method": "POST",
        ":path": PATH,
        "content-type": "application/grpc",
        te: "trailers",
      },
      { endStream: false },
    );
    const call = new ProduceCall(stream, {
      address: this.#options.address,
      listener,
      wasConnected: () => dialled.wasConnected,
      onClosed: () => {
        dialled.calls.delete(call);
        if (dialled.calls.size === 0) this.#close(dialled);
      },
    });
    dialled.calls.add(call);
    return call;
  }

  #usable(): Dialled | undefined {
    const session = this.#dialled?.session;
    // A connection that the broker says goodbye to takes no new calls.
    const isOpen = session !== undefined && !session.closed && !session.destroyed;
    return isOpen ? this.#dialled : undefined;
  }

  #dial(): Dialled {
    const { address, tls } = this.#options;
    const scheme = tls === undefined ? "http" : "https";
    const session = connect(`${scheme}://${address}`, {
      ...tls,
      settings: { enablePush: false },
      // Node counts what waits to be sent; calls bound that themselves.
      maxSessionMemory: Number.MAX_SAFE_INTEGER,
    });
    const dialled: Dialled = { session, calls: new Set(), wasConnected: false };
    this.#dialled = dialled;
    const timer = this.#options.timers.after(CONNECT_TIMEOUT_MS, () => session.destroy());
    session.on("close", () => timer.cancel());
    session.on("connect", () => {
      timer.cancel();
      dialled.wasConnected = true;
      this.#keepAlive(session);
    });
    // What ends the connection ends its calls, which say why.
    session.on("error", () => {});
    return dialled;
  }

  #close(dialled: Dialled): void {
    if (this.#dialled === dialled) this.#dialled = undefined;
    dialled.session.close();
  }

  /** Asks now and then for a sign of life: a host that is gone does not say goodbye. */
  #keepAlive(session: ClientHttp2Session): void {
    const { timers } = this.#options;
    let timer: Timer = timers.after(KEEPALIVE_MS, ask);
    function ask(): void {
      if (session.destroyed) return;
      timer = timers.after(KEEPALIVE_TIMEOUT_MS, () => session.destroy());
      session.ping((error) => {
        timer.cancel();
        if (error === null && !session.destroyed) timer = timers.after(KEEPALIVE_MS, ask);
      });
    }
    session.on("close", () => timer.cancel());
  }

  /** Ends all calls at once. */
  close(): void {
    for (const call of this.#dialled?.calls ?? []) call.cancel();
    this.#dialled?.session.destroy();
  }
}
