import type { Timers } from "@stratalog/base";
import type { ProduceResult } from "@stratalog/partition";
import type { AppendRequest, ProduceService } from "./produce-service.ts";

/** One batch of a stream. */
export interface SessionAppend extends AppendRequest {
  readonly correlation: number;
}

/** What became of one batch of a stream. */
export type AppendOutcome =
  | { readonly correlation: number; readonly result: ProduceResult }
  | { readonly correlation: number; readonly error: unknown };

/** The stream behind a session. */
export interface ProduceStream {
  /** Whether outcomes may be sent now; `ProduceSession.onWritable` when that becomes true. */
  readonly isWritable: boolean;
  send(outcomes: readonly AppendOutcome[]): void;
  /** Stops or goes on reading requests. */
  setReading(isReading: boolean): void;
  /** All is answered after the client ended its side. */
  end(): void;
}

/** Bounds of one stream. */
export interface ProduceSessionLimits {
  /** Bytes not answered yet at which reading stops. */
  readonly inflightBytes: number;
  /** Appends not answered yet, or answered and not sent, at which reading stops. */
  readonly inflightCount: number;
}

/** Default bounds. */
export const PRODUCE_SESSION_LIMITS: ProduceSessionLimits = {
  inflightBytes: 32 * 1024 * 1024,
  inflightCount: 8_192,
};

/**
 * One client's stream of batches. Every batch is handed to its partition in the turn in which it
 * came, so that order within a partition is the stream's order; answers that become known in one
 * turn leave in one message.
 *
 * Reading stops while the stream or the broker has too much in flight. Closing forgets the answers;
 * the batches themselves stay in flight and give their bytes back when their partition answers.
 */
export class ProduceSession {
  readonly #service: ProduceService;
  readonly #stream: ProduceStream;
  readonly #timers: Timers;
  readonly #limits: ProduceSessionLimits;
  #inflightBytes = 0;
  #inflightCount = 0;
  #outcomes: AppendOutcome[] = [];
  #isFlushing = false;
  #isReading = true;
  #state: "open" | "ending" | "closed" = "open";
  #stopWaiting: (() => void) | undefined;

  constructor(options: {
    readonly service: ProduceService;
    readonly stream: ProduceStream;
    readonly timers: Timers;
    readonly limits?: ProduceSessionLimits;
  }) {
    this.#service = options.service;
    this.#stream = options.stream;
    this.#timers = options.timers;
    this.#limits = options.limits ?? PRODUCE_SESSION_LIMITS;
  }

  get inflightCount(): number {
    return this.#inflightCount;
  }

  /** Takes a batch. */
  push(append: SessionAppend): void {
    if (this.#state !== "open") return;
    this.#append(append);
    this.#pace();
  }

  /** An append that could not even be decoded is answered like a failed one. */
  refuse(correlation: number, error: unknown): void {
    this.#answer({ correlation, error });
  }

  /** The stream can take more. */
  onWritable(): void {
    this.#flush();
    this.#pace();
  }

  /** The client ended its side: what is in flight is still answered. */
  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.#maybeEnd();
  }

  /** The stream is gone. */
  close(): void {
    this.#state = "closed";
    this.#outcomes = [];
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
  }

  #append(append: SessionAppend): void {
    const { correlation } = append;
    const bytes = append.batch.byteLength;
    this.#inflightBytes += bytes;
    this.#inflightCount++;
    const settle = (outcome: AppendOutcome): void => {
      this.#inflightBytes -= bytes;
      this.#inflightCount--;
      this.#answer(outcome);
    };
    this.#service.append(append).then(
      (result) => settle({ correlation, result }),
      (error: unknown) => settle({ correlation, error }),
    );
  }

  #answer(outcome: AppendOutcome): void {
    if (this.#state === "closed") return;
    this.#outcomes.push(outcome);
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#timers.endOfTurn(() => {
      this.#isFlushing = false;
      this.#flush();
      this.#pace();
    });
  }

  #flush(): void {
    if (this.#state === "closed" || !this.#stream.isWritable) return;
    if (this.#outcomes.length > 0) {
      const outcomes = this.#outcomes;
      this.#outcomes = [];
      this.#stream.send(outcomes);
    }
    this.#maybeEnd();
  }

  #maybeEnd(): void {
    if (this.#state !== "ending" || this.#inflightCount > 0 || this.#outcomes.length > 0) return;
    this.close();
    this.#stream.end();
  }

  /** Reads on or not, as the bounds say. */
  #pace(): void {
    if (this.#state !== "open") return;
    const { inflightBytes, inflightCount } = this.#limits;
    const { budget } = this.#service;
    const isFull =
      this.#inflightBytes >= inflightBytes ||
      this.#inflightCount + this.#outcomes.length >= inflightCount;
    if (budget.isExhausted && this.#stopWaiting === undefined) {
      this.#stopWaiting = budget.onRoom(() => {
        this.#stopWaiting = undefined;
        this.#pace();
      });
    }
    const isReading = !isFull && !budget.isExhausted;
    if (isReading === this.#isReading) return;
    this.#isReading = isReading;
    this.#stream.setReading(isReading);
  }
}
