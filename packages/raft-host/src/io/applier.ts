import type { RaftNode, StorageApplyMessage } from "raft-ts";
import type { Frame } from "../ports/frame.ts";
import type { GroupListener } from "../ports/raft-group.ts";
import type { Delivery } from "./delivery.ts";
import type { GroupStorage } from "./group-storage.ts";
import type { Memberships } from "./memberships.ts";

/** What an applier is made with. */
export interface ApplierOptions {
  readonly node: Pick<RaftNode, "applyConfChange">;
  readonly listener: GroupListener;
  readonly storage: Pick<GroupStorage, "frameOf">;
  readonly delivery: Delivery;
  readonly memberships: Memberships;
  /** As of which the group's membership was given: changes up to here are in it. */
  readonly membershipIndex: number;
  readonly onDelivered: (frame: Frame) => void;
}

/**
 * Hands committed entries to a group's listener, in order and each once, and makes membership
 * changes effective at their place among them.
 */
export class Applier {
  readonly #options: ApplierOptions;

  constructor(options: ApplierOptions) {
    this.#options = options;
  }

  apply({ entries }: StorageApplyMessage): void {
    const { node, listener, storage, delivery, memberships } = this.#options;
    let frames: Frame[] = [];
    const tell = (): void => {
      const committed = frames;
      frames = [];
      if (committed.length > 0) listener.onCommitted(committed);
    };
    for (const entry of entries) {
      if (entry.index > delivery.index) {
        const frame = storage.frameOf(entry);
        delivery.take(frame);
        this.#options.onDelivered(frame);
        frames.push(frame);
      }
      if (entry.type !== "conf-change") continue;
      // The core hands out again what lies above the stored commit hint; a change that the
      // membership has already must not be made twice.
      if (entry.index <= this.#options.membershipIndex) continue;
      // A new member may want a snapshot at once: the listener must be where the delivery is.
      tell();
      const confState = node.applyConfChange(entry.change);
      memberships.add(entry.index, confState);
      listener.onMembership?.({ confState, index: entry.index });
    }
    tell();
  }
}
