import type { GroupNumber } from "@stratalog/base";

/**
 * Bytes that this host's leaders have proposed and not yet applied, over all groups. Each group has
 * a bound of its own in the core; this one keeps thousands of groups from filling the memory
 * together.
 */
export class ProposalBudget {
  readonly #bytesMax: number;
  readonly #openBytes = new Map<GroupNumber, number>();
  #totalBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Proposed and not yet applied. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** Whether a frame may be proposed; an otherwise idle host takes a frame of any size. */
  hasRoom(bytes: number): boolean {
    return this.#totalBytes === 0 || this.#totalBytes + bytes <= this.#bytesMax;
  }

  /** A frame of a group was proposed. */
  open(group: GroupNumber, bytes: number): void {
    this.#openBytes.set(group, (this.#openBytes.get(group) ?? 0) + bytes);
    this.#totalBytes += bytes;
  }

  /** A frame of a group was applied; more than was opened is not counted. */
  settle(group: GroupNumber, bytes: number): void {
    const open = this.#openBytes.get(group) ?? 0;
    const settled = Math.min(open, bytes);
    if (open - settled === 0) this.#openBytes.delete(group);
    else this.#openBytes.set(group, open - settled);
    this.#totalBytes -= settled;
  }

  /** The group leads no more: what it proposed is not waited for. */
  close(group: GroupNumber): void {
    this.settle(group, Number.POSITIVE_INFINITY);
  }
}
