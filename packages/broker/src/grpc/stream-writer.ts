/** The writing half of a stream of the library. */
interface Writable<Message> {
  write(message: Message, callback: (error?: Error | null) => void): boolean;
}

/** Messages that may be on their way into HTTP/2 at once: one being sent, one ready to follow. */
const INFLIGHT_MAX = 2;

/**
 * Writes messages as fast as HTTP/2 takes them and says when it takes more. The stream's own
 * measure would let sixteen messages of any size pile up.
 */
export class StreamWriter<Message> {
  readonly #stream: Writable<Message>;
  readonly #onWritable: () => void;
  #inflightCount = 0;
  #isClosed = false;

  /** `onWritable` is called each time that a message may be written again. */
  constructor(stream: Writable<Message>, onWritable: () => void) {
    this.#stream = stream;
    this.#onWritable = onWritable;
  }

  get isWritable(): boolean {
    return !this.#isClosed && this.#inflightCount < INFLIGHT_MAX;
  }

  write(message: Message): void {
    if (this.#isClosed) return;
    this.#inflightCount++;
    this.#stream.write(message, () => {
      this.#inflightCount--;
      if (!this.#isClosed) this.#onWritable();
    });
  }

  /** Nothing is written and nobody is called from here on. */
  close(): void {
    this.#isClosed = true;
  }
}
