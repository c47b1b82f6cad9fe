import type { Clock } from "@stratalog/base";
import type { Scope } from "./scope.ts";

/** What the refresher needs. */
export interface RefresherOptions {
  readonly scope: Scope;
  readonly clock: Clock;
  /** Asks a broker and takes the answer in. */
  readonly fetch: (topics: readonly string[]) => Promise<void>;
}

/** Requests for metadata are at least this far apart. */
const INTERVAL_MS = 20;
const TOPICS_PER_REQUEST = 1_000;

/** Gathers wishes for fresh metadata: one request on its way, one being gathered, never more. */
export class MetadataRefresher {
  readonly #options: RefresherOptions;
  readonly #wanted = new Set<string>();
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #lastStartMs = Number.NEGATIVE_INFINITY;

  constructor(options: RefresherOptions) {
    this.#options = options;
  }

  /** Resolves when an answer that was asked for after this call is in. */
  refresh(topics: readonly string[]): Promise<void> {
    for (const topic of topics) this.#wanted.add(topic);
    this.#next ??= this.#runNext();
    return this.#next;
  }

  async #runNext(): Promise<void> {
    // The request on its way was sent before this wish: its answer may be too old.
    await this.#running?.catch(() => {
      // Whoever asked for that one hears of its failure.
    });
    const { clock, scope } = this.#options;
    const waitMs = this.#lastStartMs + INTERVAL_MS - clock.monotonicMs();
    if (waitMs > 0) {
      // A scope that closes meanwhile makes the fetch below fail with CLOSED.
      await scope.sleep(waitMs).catch(() => {});
    }
    this.#lastStartMs = clock.monotonicMs();
    const topics = [...this.#wanted].slice(0, TOPICS_PER_REQUEST);
    for (const topic of topics) this.#wanted.delete(topic);
    const running = this.#options.fetch(topics);
    this.#running = running;
    this.#next = undefined;
    await running;
  }
}
