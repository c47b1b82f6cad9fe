import type { LogStorage, Snapshot } from "raft-ts";
import { frameIn, SnapshotData } from "../core/entry-frames.ts";
import type { LogView } from "../ports/log-storage.ts";
import type { GroupListener } from "../ports/raft-group.ts";
import type { Delivery } from "./delivery.ts";
import type { Memberships } from "./memberships.ts";

/** What a snapshot of one group is made from. */
export interface SnapshotSource {
  readonly view: LogView;
  readonly log: LogStorage;
  readonly listener: GroupListener;
  readonly delivery: Delivery;
  readonly memberships: Memberships;
  /** Asks for the log's first frame, which is not in memory. */
  readonly fetchFirst: (index: number) => void;
}

/**
 * A snapshot for a follower that needs entries that are gone. A state machine's is its state, as of
 * what was delivered to it. A plain log's is empty: the follower begins where this log begins.
 */
export function createSnapshot(source: SnapshotSource): Snapshot | "pending" {
  const { view, listener, delivery, memberships } = source;
  memberships.trim(view.firstIndex - 1);
  if (listener.createSnapshot !== undefined) {
    const { index } = delivery;
    const [term, confState] = [view.term(index), memberships.at(index)];
    if (typeof term !== "number" || confState === undefined) return "pending";
    const data = new SnapshotData(listener.createSnapshot(), delivery.nextOffset);
    return { index, term, confState, data };
  }
  const index = view.firstIndex - 1;
  const [term, confState] = [view.term(index), memberships.at(index)];
  const nextOffset = firstOffset(source);
  if (typeof term !== "number" || confState === undefined || nextOffset === undefined) {
    return "pending";
  }
  return { index, term, confState, data: new SnapshotData(new Uint8Array(0), nextOffset) };
}

/** Offset at which the log begins; undefined while its first frame is being fetched. */
function firstOffset({ view, log, fetchFirst }: SnapshotSource): number | undefined {
  const { firstIndex, lastIndex } = view;
  if (firstIndex > lastIndex) return view.nextOffset;
  const entries = log.entries(firstIndex, firstIndex + 1, 1);
  const first = typeof entries === "string" ? undefined : entries[0];
  const frame = first === undefined ? undefined : frameIn(first);
  if (frame === undefined) fetchFirst(firstIndex);
  return frame?.baseOffset;
}
