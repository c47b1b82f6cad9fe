import type { CodedError } from "@stratalog/base";
import type { ConsumePartition, ConsumePush, ConsumeRequest, Input } from "@stratalog/protocol";
import type { Connection, OutgoingStream } from "../../ports/transport.ts";

/** Hears a consume stream. */
export interface ConsumeStreamListener {
  onPush(push: ConsumePush): void;
  onEnd(error: CodedError): void;
}

/** How a stream is opened. */
export interface ConsumeStreamOptions {
  readonly clientId: string;
  /** Bytes of batches that may be on their way or waiting here. */
  readonly bufferBytes: number;
}

const MESSAGE_BYTES = 512 * 1024;
const PARTITIONS_PER_MESSAGE = 1_000;

/**
 * A consume stream to one broker. The broker may send `bufferBytes`; what was read is granted anew,
 * so that a slow reader holds no more than that, and a fast one never waits for a grant.
 */
export class ConsumeStream {
  readonly #stream: OutgoingStream<Input<ConsumeRequest>>;
  readonly #grantBytes: number;
  #readBytes = 0;

  constructor(
    connection: Connection,
    options: ConsumeStreamOptions,
    listener: ConsumeStreamListener,
  ) {
    this.#grantBytes = Math.max(1, Math.floor(options.bufferBytes / 4));
    this.#stream = connection.open("FetchService", "consume", {
      onMessage: (message) => {
        for (const push of message.pushes) listener.onPush(push);
      },
      onEnd: (error) => listener.onEnd(error),
    });
    const maxMessageBytes = Math.min(MESSAGE_BYTES, Math.max(1_024, options.bufferBytes));
    this.#stream.write({ open: { clientId: options.clientId, maxMessageBytes } });
    this.#stream.write({ credit: { bytes: options.bufferBytes } });
  }

  subscribe(partitions: readonly Input<ConsumePartition>[]): void {
    for (let from = 0; from < partitions.length; from += PARTITIONS_PER_MESSAGE) {
      const some = partitions.slice(from, from + PARTITIONS_PER_MESSAGE);
      this.#stream.write({ subscribe: { partitions: some } });
    }
  }

  unsubscribe(subscription: number): void {
    this.#stream.write({ unsubscribe: { subscriptions: [subscription] } });
  }

  /** Bytes that came were read or dropped: the broker may send as many more. */
  release(sizeBytes: number): void {
    this.#readBytes += sizeBytes;
    if (this.#readBytes < this.#grantBytes) return;
    this.#stream.write({ credit: { bytes: this.#readBytes } });
    this.#readBytes = 0;
  }

  cancel(): void {
    this.#stream.cancel();
  }
}
