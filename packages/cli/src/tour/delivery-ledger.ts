import type { TourRecord } from "./tour-client.ts";

/**
 * What a consumer group was handed, all members together. A group delivers at least once: a record
 * may come again after partitions move, but none may be passed over.
 */
export class DeliveryLedger {
  readonly #nextOffsets = new Map<number, bigint>();
  readonly #skipped: string[] = [];
  readonly #countByMember = new Map<string, number>();
  #distinctCount = 0;
  #repeatedCount = 0;

  /** Records seen at least once. */
  get distinctCount(): number {
    return this.#distinctCount;
  }

  /** Deliveries of records seen before. */
  get repeatedCount(): number {
    return this.#repeatedCount;
  }

  /** Places where a partition went on too far; the first hundred. */
  get skipped(): readonly string[] {
    return this.#skipped;
  }

  countOf(member: string): number {
    return this.#countByMember.get(member) ?? 0;
  }

  /** Offset of the next record by partition, for people: "0@812 1@790". */
  get positions(): string {
    const sorted = [...this.#nextOffsets].toSorted(([a], [b]) => a - b);
    return sorted.map(([partition, next]) => `${partition}@${next}`).join(" ");
  }

  note(member: string, record: TourRecord): void {
    const { partition, offset } = record;
    this.#countByMember.set(member, this.countOf(member) + 1);
    const next = this.#nextOffsets.get(partition) ?? 0n;
    if (offset < next) {
      this.#repeatedCount += 1;
      return;
    }
    if (offset > next && this.#skipped.length < 100) {
      this.#skipped.push(`${member} went from ${next} to ${offset} in partition ${partition}`);
    }
    this.#distinctCount += 1;
    this.#nextOffsets.set(partition, offset + 1n);
  }
}
