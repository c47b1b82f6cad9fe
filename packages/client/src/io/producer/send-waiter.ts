import type { CodedError } from "@stratalog/base";
import type { RecordWaiter } from "../../core/produce-batch.ts";
import { toPublicOffset } from "../../core/public-offset.ts";

/** Where a record is. */
export interface SendResult {
  /** Name of the topic. */
  readonly topic: string;
  /** Number of the partition that it went to. */
  readonly partition: number;
  /** Its place there, from 0. */
  readonly offset: bigint;
}

/** The two ends of the promise of one record. */
export class SendWaiter implements RecordWaiter {
  readonly #topic: string;
  readonly #resolve: (result: SendResult) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    topic: string,
    resolve: (result: SendResult) => void,
    reject: (error: unknown) => void,
  ) {
    this.#topic = topic;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onStored(partition: number, offset: number): void {
    this.#resolve({ topic: this.#topic, partition, offset: toPublicOffset(offset) });
  }

  onFailed(error: CodedError): void {
    this.#reject(error);
  }
}
