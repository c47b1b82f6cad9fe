import type { GroupNumber } from "@stratalog/base";
import type { GroupCheckpoint, SegmentFacts } from "../core/checkpoint-format.ts";
import { groupDirectoryName } from "../core/file-names.ts";
import type { GroupDescriptor } from "../core/group-descriptor.ts";
import { GroupState } from "../core/group-state.ts";
import { SEGMENT_BYTES_MAX } from "../core/segment-format.ts";
import type { TailBudget } from "../core/tail-budget.ts";
import { GroupLog } from "./group-log.ts";
import { type DurablePoint, GroupWriter } from "./group-writer.ts";
import type { SegmentContext, SegmentResources } from "./segment-context.ts";
import { SegmentSet } from "./segment-set.ts";
import type { LogStoreSettings } from "./store-options.ts";

/** All parts of one group that is open. */
export interface GroupEntry {
  readonly descriptor: GroupDescriptor;
  readonly directory: string;
  readonly state: GroupState;
  readonly segments: SegmentSet;
  readonly writer: GroupWriter;
  readonly log: GroupLog;
  /** Being dropped: takes part in nothing any more, but its WAL records are still needed. */
  isDropped: boolean;
}

/** What all groups of a store share. */
export interface StoreParts {
  readonly settings: LogStoreSettings;
  readonly resources: SegmentResources;
  readonly budget: TailBudget;
  readonly durable: DurablePoint;
  /** A reader found a group's segments damaged; called once per group. */
  handleDamage(group: GroupNumber, reason: string): void;
}

/** Directory of a group's files. */
export function groupDirectory(settings: LogStoreSettings, descriptor: GroupDescriptor): string {
  const name = groupDirectoryName(descriptor.group, descriptor.replicaEpoch);
  return `${settings.directory}/groups/${name}`;
}

/** Puts the parts of a group together; touches no file. */
export function openGroupEntry(
  parts: StoreParts,
  checkpoint: GroupCheckpoint,
  segments: SegmentSet,
  context: SegmentContext,
): GroupEntry {
  const { descriptor } = checkpoint;
  const state = new GroupState(checkpoint, parts.budget);
  const writer = new GroupWriter({ descriptor, state, segments, durable: parts.durable });
  const onDamage = (reason: string): void => {
    if (state.damage !== undefined) return;
    state.damage = reason;
    writer.factsChanged();
    parts.handleDamage(descriptor.group, reason);
  };
  const log = new GroupLog({ descriptor, state, segments, writer, context, onDamage });
  const { directory } = context;
  return { descriptor, directory, state, segments, writer, log, isDropped: false };
}

/** What the segments of a group share. */
export function segmentContext(parts: StoreParts, descriptor: GroupDescriptor): SegmentContext {
  const { segmentMs } = parts.settings;
  const isPartition = descriptor.kind === "partition";
  const ownLimit = isPartition ? SEGMENT_BYTES_MAX : STATE_MACHINE_SEGMENT_BYTES;
  const segmentBytes = Math.min(parts.settings.segmentBytes, ownLimit);
  return {
    ...parts.resources,
    group: descriptor.group,
    replicaEpoch: descriptor.replicaEpoch,
    directory: groupDirectory(parts.settings, descriptor),
    limits: { segmentBytes, segmentMs, indexRowsMax: INDEX_ROWS_MAX },
  };
}

/** State machines drop what a snapshot has, and only whole segments can be dropped. */
const STATE_MACHINE_SEGMENT_BYTES = 8 * 1024 * 1024;
/** 6 MiB of index; a segment with more rows is closed. */
const INDEX_ROWS_MAX = 262_144;

/** A group that has nothing yet. */
export function newGroupEntry(parts: StoreParts, checkpoint: GroupCheckpoint): GroupEntry {
  const context = segmentContext(parts, checkpoint.descriptor);
  const facts: readonly SegmentFacts[] = [];
  return openGroupEntry(parts, checkpoint, new SegmentSet(context, facts), context);
}
