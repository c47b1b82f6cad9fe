/**
 * The private fields of grpc-js that the client port needs, in one place. The library has no
 * setting for a server's receive windows, for the memory of requests in part, or to end a stream
 * whose client does not read. Everything here looks before it touches and answers undefined where
 * a version differs; a test holds the installed version to what is found here.
 */

/** A Node HTTP/2 stream of the server, in the part that is used here. */
export interface CallStream {
  /** Undefined once the stream is closed. */
  readonly session: object | undefined;
  readonly writableLength: number;
  /** Resets the stream. */
  close(code: number): void;
  once(event: "close", listener: () => void): unknown;
}

/** What puts a call's messages together from the pieces that come. */
export interface CallDecoder {
  readonly readMessageSize: number;
  readonly readMessageRemaining: number;
  readPartialMessage: readonly Uint8Array[];
  /** The messages that are whole now. */
  write(bytes: Uint8Array): readonly Uint8Array[];
}

/** A field by name, whatever its type says of it. */
export function privateField(owner: object, name: string): unknown {
  // A private field is out of the type's sight; what comes back is looked at as unknown.
  return (owner as Readonly<Record<string, unknown>>)[name];
}

/** Whether a value has fields to look at. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** The HTTP/2 stream below a call. */
export function streamOf(call: object): CallStream | undefined {
  const stream = privateField(call, "stream");
  return isStream(stream) ? stream : undefined;
}

/** The decoder of a call's messages. */
export function decoderOf(call: object): CallDecoder | undefined {
  const decoder = privateField(call, "decoder");
  return isDecoder(decoder) ? decoder : undefined;
}

function isStream(value: unknown): value is CallStream {
  return (
    isObject(value) &&
    typeof value["writableLength"] === "number" &&
    typeof value["close"] === "function" &&
    typeof value["once"] === "function" &&
    isObject(value["session"])
  );
}

function isDecoder(value: unknown): value is CallDecoder {
  return (
    isObject(value) &&
    typeof value["write"] === "function" &&
    typeof value["readMessageSize"] === "number" &&
    typeof value["readMessageRemaining"] === "number" &&
    Array.isArray(value["readPartialMessage"])
  );
}
