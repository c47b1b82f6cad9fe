import { CodedError } from "@stratalog/base";

/** Bytes in front of each message: a flag for compression and the length. */
export const MESSAGE_PREFIX_BYTES = 5;
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

/** What goes in front of a message that is not compressed. */
export function messagePrefix(sizeBytes: number): Uint8Array {
  const prefix = Buffer.alloc(MESSAGE_PREFIX_BYTES);
  prefix.writeUInt32BE(sizeBytes, 1);
  return prefix;
}

/**
 * Cuts what arrives on a gRPC stream into messages. Made for answers, which are small.
 *
 * Invariant: keeps less than one message of the greatest length.
 */
export class GrpcMessages {
  readonly #sink: (message: Buffer) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(sink: (message: Buffer) => void) {
    this.#sink = sink;
  }

  /** Takes the next bytes. Throws INTERNAL for what no broker sends. */
  push(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (bytes.length >= MESSAGE_PREFIX_BYTES) {
      const sizeBytes = bytes.readUInt32BE(1);
      if (bytes[0] !== 0 || sizeBytes > MESSAGE_BYTES_MAX) {
        throw new CodedError("INTERNAL", `an answer of ${sizeBytes} bytes, or a compressed one`);
      }
      const end = MESSAGE_PREFIX_BYTES + sizeBytes;
      if (bytes.length < end) break;
      this.#sink(bytes.subarray(MESSAGE_PREFIX_BYTES, end));
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes;
  }
}
