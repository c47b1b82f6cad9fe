import type { ProducerIdentity } from "../../core/produce-batch.ts";
import type { Cluster } from "../cluster.ts";

/**
 * Numbers for idempotent producers. Lanes share one per kind; a lane that lost track of its
 * sequence gets one of its own.
 */
export class IdentitySource {
  readonly #cluster: Cluster;
  readonly #shared = new Map<string, Promise<ProducerIdentity>>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** The number that all lanes of a kind begin with. */
  shared(kind: string): Promise<ProducerIdentity> {
    let identity = this.#shared.get(kind);
    if (identity === undefined) {
      identity = this.fresh();
      this.#shared.set(kind, identity);
      // A failed request is not kept: the next one who asks tries again.
      identity.catch(() => this.#shared.delete(kind));
    }
    return identity;
  }

  /** A number that nobody has. */
  async fresh(): Promise<ProducerIdentity> {
    const { producerId, producerEpoch } = await this.#cluster.callAny({
      service: "AdminService",
      method: "initProducerId",
      request: {},
      // A number that got lost on the way is never used: asking again does no harm.
      effect: "read",
    });
    return { producerId, producerEpoch };
  }
}
