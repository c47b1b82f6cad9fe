import type { ListedOffset, OffsetTarget } from "@stratalog/partition";
import type { PartitionFinder, PartitionName } from "./partition-finder.ts";

/** One question about one partition. */
export interface OffsetQuery extends PartitionName {
  readonly at: OffsetTarget;
}

/** The answer to one question. */
export type OffsetAnswer =
  | { readonly ok: true; readonly listed: ListedOffset }
  | { readonly ok: false; readonly error: unknown };

/** Looks up offsets by rule. */
export class OffsetsService {
  readonly #finder: PartitionFinder;

  constructor(finder: PartitionFinder) {
    this.#finder = finder;
  }

  /** Answers in the order of the questions; one that fails does not fail the others. */
  list(queries: readonly OffsetQuery[]): Promise<readonly OffsetAnswer[]> {
    return Promise.all(queries.map((query) => this.#answer(query)));
  }

  async #answer(query: OffsetQuery): Promise<OffsetAnswer> {
    try {
      return { ok: true, listed: await this.#finder.find(query).listOffset(query.at) };
    } catch (error) {
      return { ok: false, error };
    }
  }
}
