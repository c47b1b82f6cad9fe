import { CodedError } from "@stratalog/base";
import type { GroupCheckpoint, SegmentFacts } from "../core/checkpoint-format.ts";
import type { GroupPlan, ReplayRun } from "../core/group-replay.ts";
import { LogShape } from "../core/log-shape.ts";
import { type GroupEntry, openGroupEntry, segmentContext, type StoreParts } from "./group-entry.ts";
import type { Segment } from "./segment.ts";
import { SegmentSet } from "./segment-set.ts";

/**
 * A group on its way back: its segments are cut, the entries of the WAL are still to be appended.
 */
export interface RecoveringGroup {
  readonly entry: GroupEntry;
  readonly runs: readonly ReplayRun[];
}

/**
 * Brings a group's segments to the point that its plan says, after looking at every file that has
 * to be there. Rejects with STORAGE_DAMAGED before anything is changed when one is missing, short
 * or another's.
 */
export async function cutGroup(
  parts: StoreParts,
  plan: GroupPlan,
  facts: readonly SegmentFacts[],
): Promise<RecoveringGroup> {
  const { checkpoint } = plan;
  const context = segmentContext(parts, checkpoint.descriptor);
  const { fileSystem } = context;
  await fileSystem.makeDirectory(context.directory);
  const segments = new SegmentSet(context, facts);
  const cutFrom = plan.reset === undefined ? plan.cutIndex + 1 : 0;
  const kept = segments.list.filter((segment) => segment.facts.baseIndex < cutFrom);
  const fileBytes = await verifyKept(plan, kept);
  await segments.removeFrom(cutFrom);
  await segments.removeUnknownFiles();
  await cutKept({ plan, segments, kept, fileBytes });
  const bounds = new LogShape(checkpoint.descriptor.group, checkpoint);
  if (plan.reset !== undefined) bounds.reset(plan.reset);
  else if (plan.cutIndex < bounds.lastIndex) bounds.truncateSuffix(cutFrom, plan.cutOffset);
  const start: GroupCheckpoint = {
    ...checkpoint,
    ...bounds.bounds(),
    logStartOffset: Math.max(checkpoint.logStartOffset, plan.reset?.nextOffset ?? 0),
    hardState: plan.hardState,
  };
  const entry = openGroupEntry(parts, start, segments, context);
  entry.writer.factsChanged();
  return { entry, runs: plan.runs };
}

function damagedGroup(plan: GroupPlan, reason: string): CodedError {
  const { group } = plan.checkpoint.descriptor;
  return new CodedError("STORAGE_DAMAGED", `group ${group}: ${reason}`, { details: { group } });
}

/** Checks that the kept segments are whole and follow each other; gives the size of each file. */
async function verifyKept(
  plan: GroupPlan,
  kept: readonly Segment[],
): Promise<ReadonlyMap<Segment, number>> {
  const { firstIndex } = plan.checkpoint;
  const lastIndex = plan.reset === undefined ? plan.cutIndex : firstIndex - 1;
  const sizes = new Map<Segment, number>();
  let nextIndex = firstIndex;
  for (const segment of kept) {
    const { baseIndex, sizeBytes, lastIndex: segmentLast } = segment.facts;
    if (baseIndex !== nextIndex) {
      throw damagedGroup(plan, `no segment holds index ${nextIndex}`);
    }
    const real = await segment.verify();
    const isCut = segmentLast > lastIndex;
    if (real < sizeBytes && !isCut) {
      throw damagedGroup(plan, `${segment.path} ends at byte ${real}, ${sizeBytes} were synced`);
    }
    sizes.set(segment, real);
    nextIndex = segmentLast + 1;
  }
  if (nextIndex <= lastIndex) throw damagedGroup(plan, `no segment holds index ${nextIndex}`);
  return sizes;
}

/** Cuts what lies above the plan's point: a segment's bytes count only up to the checkpoint. */
async function cutKept(work: {
  readonly plan: GroupPlan;
  readonly segments: SegmentSet;
  readonly kept: readonly Segment[];
  readonly fileBytes: ReadonlyMap<Segment, number>;
}): Promise<void> {
  const { plan, segments, kept, fileBytes } = work;
  if (plan.reset !== undefined) return;
  for (const segment of kept) {
    const real = fileBytes.get(segment) ?? 0;
    if (segment.facts.lastIndex > plan.cutIndex) {
      const cutOffset = await segments.cut(segment, plan.cutIndex + 1, real);
      if (cutOffset !== plan.cutOffset) {
        throw damagedGroup(plan, `cut at offset ${cutOffset}, the WAL says ${plan.cutOffset}`);
      }
    } else if (real > segment.facts.sizeBytes) {
      await segments.cutToTrusted(segment);
    }
  }
}
