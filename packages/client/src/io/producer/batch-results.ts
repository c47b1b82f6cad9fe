import { type CodedError, type Deferred, deferred } from "@stratalog/base";
import type { RecordWaiter } from "../../core/produce-batch.ts";
import { toPublicOffset } from "../../core/public-offset.ts";
import type { SendResult } from "./send-waiter.ts";

/**
 * The results of records that were sent together: one promise for all. A record costs a small
 * object and its result here, where a promise of its own would cost as much as the encoding.
 */
export class BatchResults {
  readonly #topic: string;
  readonly #results: SendResult[] = [];
  readonly #done: Deferred<readonly SendResult[]> = deferred();
  #restCount: number;
  #failure: CodedError | undefined;

  constructor(topic: string, recordCount: number) {
    this.#topic = topic;
    this.#restCount = recordCount;
  }

  /** Settles once every record has: with the places in order, or with the first failure. */
  get settled(): Promise<readonly SendResult[]> {
    return this.#done.promise;
  }

  /** Who waits for the record at `index` of the batch. */
  waiterOf(index: number): RecordWaiter {
    return new ResultWaiter(this, index);
  }

  store(index: number, partition: number, offset: number): void {
    this.#results[index] = { topic: this.#topic, partition, offset: toPublicOffset(offset) };
    this.#settleOne();
  }

  fail(error: CodedError): void {
    this.#failure ??= error;
    this.#settleOne();
  }

  #settleOne(): void {
    this.#restCount--;
    if (this.#restCount > 0) return;
    if (this.#failure === undefined) this.#done.resolve(this.#results);
    else this.#done.reject(this.#failure);
  }
}

class ResultWaiter implements RecordWaiter {
  readonly #results: BatchResults;
  readonly #index: number;

  constructor(results: BatchResults, index: number) {
    this.#results = results;
    this.#index = index;
  }

  onStored(partition: number, offset: number): void {
    this.#results.store(this.#index, partition, offset);
  }

  onFailed(error: CodedError): void {
    this.#results.fail(error);
  }
}
