import { assert, type BrokerId, type Logger, sleep, type Timers } from "@stratalog/base";
import { emptyImage, replayAll } from "@stratalog/metadata";
import { decodeMetadataDelta, encodeMetadataFetch, METADATA_FETCH } from "./metadata-feed.ts";
import type { MetadataView } from "./metadata-view.ts";
import type { Calls } from "./peer-calls.ts";

const WAIT_MS = 5_000;
const CALL_TIMEOUT_MS = 10_000;
/**
 * Whoever has nothing is answered at once; an answer is lost while the voter still dials this
 * broker where it was before.
 */
const FIRST_CALL_TIMEOUT_MS = 2_000;
const RETRY_MS = 200;

/**
 * Keeps the view of a broker that is no controller voter up to date, from whichever voter answers.
 */
export class MetadataFollower {
  readonly #options: {
    readonly view: MetadataView;
    readonly voters: readonly BrokerId[];
    readonly calls: Calls;
    readonly timers: Timers;
    readonly logger: Logger;
  };
  #isRunning = false;
  #nextVoter = 0;

  constructor(options: {
    readonly view: MetadataView;
    readonly voters: readonly BrokerId[];
    readonly calls: Calls;
    readonly timers: Timers;
    readonly logger: Logger;
  }) {
    assert(options.voters.length > 0, "a cluster has controller voters");
    this.#options = options;
  }

  start(): void {
    this.#isRunning = true;
    // Runs until `stop`; it handles its own failures.
    void this.#run();
  }

  stop(): void {
    this.#isRunning = false;
  }

  async #run(): Promise<void> {
    const { timers, voters, logger } = this.#options;
    while (this.#isRunning) {
      const voter = voters[this.#nextVoter % voters.length];
      try {
        if (voter !== undefined && (await this.#fetchFrom(voter))) continue;
      } catch (error) {
        logger.debug({ voter, error }, "a controller voter does not answer");
      }
      this.#nextVoter += 1;
      await sleep(timers, RETRY_MS);
    }
  }

  /** False when the voter is behind this broker: another one knows more. */
  async #fetchFrom(voter: BrokerId): Promise<boolean> {
    const { view, calls } = this.#options;
    const fromIndex = view.appliedIndex;
    const request = encodeMetadataFetch({ fromIndex, waitMs: WAIT_MS });
    const options = { timeoutMs: fromIndex === 0 ? FIRST_CALL_TIMEOUT_MS : CALL_TIMEOUT_MS };
    const delta = decodeMetadataDelta(await calls.call(voter, METADATA_FETCH, request, options));
    if (!this.#isRunning) return true;
    if (delta.index < fromIndex) return false;
    const base = delta.isWhole ? emptyImage() : view.image;
    // What did not change stays the same object, so that nobody is told of nothing.
    const image = delta.records.length === 0 ? view.image : replayAll(base, delta.records);
    view.replace(image, delta.index);
    return delta.index > 0;
  }
}
