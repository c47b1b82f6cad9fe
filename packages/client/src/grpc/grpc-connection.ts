import type { Client, ClientDuplexStream } from "@grpc/grpc-js";
import { type Clock, CodedError, type Timers } from "@stratalog/base";
import {
  callUnary,
  createServiceClient,
  fromCallError,
  type ProduceStreamResponse,
  type ServiceName,
  type UnaryInvoke,
} from "@stratalog/protocol";
import { endOfStream } from "../core/end-of-stream.ts";
import type {
  CallLimits,
  Connection,
  OutgoingStream,
  RequestOf,
  ResponseOf,
  StreamListener,
  StreamName,
  Transport,
  UnaryName,
} from "../ports/transport.ts";
import type { ChannelSecurity, SecurityOf } from "./client-tls.ts";
import { ProduceChannel } from "./produce-channel.ts";

/** A service client as a table of methods: the port's types say which name takes and gives what. */
type Methods = Client & Readonly<Record<string, unknown>>;

/**
 * A broker over gRPC. Each service has a socket of its own: heartbeats of a group never queue
 * behind bulk data.
 */
class GrpcConnection implements Connection {
  readonly address: string;
  readonly #clock: Clock;
  readonly #security: Partial<ChannelSecurity>;
  readonly #produce: ProduceChannel;
  readonly #clients = new Map<ServiceName, Methods>();
  readonly #streams = new Set<() => void>();
  #isClosed = false;

  constructor(address: string, options: GrpcTransportOptions) {
    this.address = address;
    this.#clock = options.clock;
    this.#security = options.security?.(address) ?? {};
    const { tls } = this.#security;
    this.#produce = new ProduceChannel({ address, timers: options.timers, tls });
  }

  async call<S extends ServiceName, M extends UnaryName<S>>(
    service: S,
    method: M,
    request: RequestOf<S, M>,
    limits: CallLimits,
  ): Promise<ResponseOf<S, M>> {
    if (this.#isClosed) throw closedError(this.address);
    const client = this.#client(service);
    // The table was made from the definition that the port's types are generated from.
    const invoke = client[String(method)] as UnaryInvoke<unknown, ResponseOf<S, M>>;
    const deadlineMs = this.#clock.wallMs() + limits.timeoutMs;
    const options = limits.signal === undefined ? {} : { signal: limits.signal };
    try {
      return await callUnary(invoke.bind(client), request, { deadlineMs, ...options });
    } catch (error) {
      const isAborted = limits.signal?.aborted === true;
      throw isAborted ? error : this.#transportError(CodedError.from(error));
    }
  }

  open<S extends ServiceName, M extends StreamName<S>>(
    service: S,
    method: M,
    listener: StreamListener<ResponseOf<S, M>>,
  ): OutgoingStream<RequestOf<S, M>> {
    if (this.#isClosed) throw closedError(this.address);
    if (isProduceStream(service, method)) {
      // The names say which messages these are.
      const produceListener = listener as unknown as StreamListener<ProduceStreamResponse>;
      return this.#produce.open(produceListener) as unknown as OutgoingStream<RequestOf<S, M>>;
    }
    const client = this.#client(service);
    // As in `call`.
    const open = client[String(method)] as () => ClientDuplexStream<
      RequestOf<S, M>,
      ResponseOf<S, M>
    >;
    const call = open.call(client);
    let isEnded = false;
    let isCancelled = false;
    const cancel = (): void => {
      isCancelled = true;
      call.cancel();
    };
    this.#streams.add(cancel);
    const finish = (error: CodedError): void => {
      if (isEnded) return;
      isEnded = true;
      this.#streams.delete(cancel);
      listener.onEnd(error);
    };
    call.on("data", (message: ResponseOf<S, M>) => listener.onMessage(message));
    call.on("error", (error: Error) => {
      finish(isCancelled ? closedError(this.address) : this.#transportError(fromCallError(error)));
    });
    call.on("end", () => {
      finish(endOfStream(this.address));
    });
    return {
      write: (message) => isEnded || call.write(message),
      onDrain: (callback) => {
        if (isEnded) return;
        call.once("drain", callback);
      },
      end: () => call.end(),
      cancel,
    };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const cancel of this.#streams) cancel();
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
    this.#produce.close();
  }

  /**
   * What the library says by itself (it is then the cause) about a call that we did not cancel: the
   * connection broke, and only the broker knows whether the call took effect.
   */
  #transportError(error: CodedError): CodedError {
    const isBroken = error.code === "ABORTED" || error.code === "INTERNAL";
    if (error.cause === undefined || !isBroken) return error;
    return new CodedError("REQUEST_TIMED_OUT", `${this.address}: ${error.message}`, {
      cause: error.cause,
    });
  }

  #client(service: ServiceName): Methods {
    let client = this.#clients.get(service);
    if (client === undefined) {
      const { address } = this;
      const { tls: _tls, ...security } = this.#security;
      const created: Client = createServiceClient(service, { address, ...security });
      client = created as Methods;
      this.#clients.set(service, client);
    }
    return client;
  }
}

function isProduceStream(service: ServiceName, method: PropertyKey): boolean {
  return service === "ProduceService" && method === "produceStream";
}

function closedError(address: string): CodedError {
  return new CodedError("CLOSED", `the connection to ${address} was closed`);
}

/** What the gRPC transport needs. */
export interface GrpcTransportOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Default: no encryption. */
  readonly security?: SecurityOf | undefined;
}

/** The transport of production. */
export function grpcTransport(options: GrpcTransportOptions): Transport {
  return { connect: (address) => new GrpcConnection(address, options) };
}
