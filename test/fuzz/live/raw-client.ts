import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type OutgoingHttpHeaders,
} from "node:http2";
import { createConnection } from "node:net";

const FRAME_HEADER_BYTES = 5;

/** How a call ended. */
export interface Ending {
  readonly grpcStatus: string | undefined;
  readonly httpStatus: number | undefined;
  readonly resetCode: number;
}

/** A gRPC frame; flags and length may lie. */
export function grpcFrame(
  payload: Uint8Array,
  options: { readonly flags?: number; readonly length?: number } = {},
): Buffer {
  const head = Buffer.alloc(FRAME_HEADER_BYTES);
  head.writeUInt8(options.flags ?? 0, 0);
  head.writeUInt32BE(options.length ?? payload.length, 1);
  return Buffer.concat([head, payload]);
}

/** Opens an HTTP/2 connection that reports no errors: its calls do. */
export function openSession(address: string): ClientHttp2Session {
  const session = connect(`http://${address}`);
  session.on("error", () => {});
  return session;
}

/** Begins a call of raw bytes; it reports no errors: how it closes says them. */
export function openRawStream(
  session: ClientHttp2Session,
  path: string,
  headers: OutgoingHttpHeaders = {},
): ClientHttp2Stream {
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  stream.on("error", () => {});
  return stream;
}

/** Makes one call of raw bytes; undefined when it does not end within the time. */
export function rawCall(
  session: ClientHttp2Session,
  call: {
    readonly path: string;
    readonly body: Uint8Array;
    readonly headers?: OutgoingHttpHeaders;
    readonly timeoutMs: number;
  },
): Promise<Ending | undefined> {
  return new Promise((resolve) => {
    const stream = openRawStream(session, call.path, call.headers);
    let httpStatus: number | undefined;
    let grpcStatus: string | undefined;
    const note = (fields: NodeJS.Dict<string | string[] | number>): void => {
      const status = fields["grpc-status"];
      if (status !== undefined) grpcStatus = String(status);
    };
    const timer = setTimeout(() => {
      resolve(undefined);
      stream.close();
    }, call.timeoutMs);
    stream.on("response", (fields) => {
      httpStatus = fields[":status"];
      note(fields);
    });
    stream.on("trailers", note);
    stream.resume();
    stream.on("close", () => {
      clearTimeout(timer);
      resolve({ grpcStatus, httpStatus, resetCode: stream.rstCode });
    });
    stream.end(call.body);
  });
}

/**
 * Writes chunks to a port and closes its side; gives what came back by the time that the other
 * side closed, or undefined when it did not in time.
 */
export function rawSocket(
  port: number,
  chunks: readonly Uint8Array[],
  timeoutMs: number,
): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    const received: Buffer[] = [];
    const timer = setTimeout(() => {
      resolve(undefined);
      socket.destroy();
    }, timeoutMs);
    socket.on("connect", () => {
      for (const chunk of chunks) socket.write(chunk);
      socket.end();
    });
    socket.on("data", (bytes: Buffer) => received.push(bytes));
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(Buffer.concat(received));
    });
  });
}
