import type { BrokerId } from "@stratalog/base";
import type { PeerAddress, PeerHello } from "../ports/peer-link.ts";

interface Guest {
  readonly address: PeerAddress;
  readonly directoryId: string;
}

/**
 * Brokers that dialled this one and that it was not told of: they come to join the cluster, or the
 * news of them is still on its way. Each says where it can be dialled, so that its calls can be
 * answered, and is a guest while it is connected or until this broker is told of it.
 *
 * Invariants: at most `countMax` of them; one data directory per broker id, so that two brokers
 * that were given the same id do not drive each other out again and again.
 */
export class Guests {
  readonly #countMax: number;
  readonly #guests = new Map<BrokerId, Guest>();

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /**
   * Takes in whoever said this hello, with its address of now; a text says why not. Nobody dials
   * a broker that gave no address.
   */
  admit({ brokerId: id, directoryId, address }: PeerHello): string | undefined {
    const known = this.#guests.get(id);
    if (known !== undefined && known.directoryId !== directoryId) {
      return `broker ${id} is connected with data directory ${known.directoryId}, not ${directoryId}`;
    }
    if (address === undefined) return undefined;
    if (known === undefined && this.#guests.size >= this.#countMax) {
      return `${this.#countMax} brokers that are not registered are connected; try again later`;
    }
    this.#guests.set(id, { address, directoryId });
    return undefined;
  }

  /** False when it was no guest. */
  forget(broker: BrokerId): boolean {
    return this.#guests.delete(broker);
  }

  /** Where to dial each guest. */
  addresses(): ReadonlyMap<BrokerId, PeerAddress> {
    return new Map([...this.#guests].map(([id, { address }]) => [id, address]));
  }
}
