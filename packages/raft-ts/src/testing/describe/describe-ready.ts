import type { Ready } from "../../core/ready.ts";
import type { ProgressState, ProgressStatus } from "../../core/status.ts";
import type { HardState, RoleName } from "../../core/types.ts";
import { describeEntries } from "./describe-entry.ts";
import { describeMessage, describeSnapshot } from "./describe-message.ts";

/** How scripts name the roles. */
export const ROLE_NAMES: Readonly<Record<RoleName, string>> = {
  follower: "StateFollower",
  "pre-candidate": "StatePreCandidate",
  candidate: "StateCandidate",
  leader: "StateLeader",
};

const PROGRESS_NAMES: Readonly<Record<ProgressState, string>> = {
  probe: "StateProbe",
  replicate: "StateReplicate",
  snapshot: "StateSnapshot",
};

/** Everything in a Ready, section by section. */
export function describeReady(ready: Ready): string {
  let text = "";
  if (ready.softState !== undefined) {
    text += `Lead:${ready.softState.leader} State:${ROLE_NAMES[ready.softState.role]}\n`;
  }
  if (ready.hardState !== undefined) text += `HardState ${describeHardState(ready.hardState)}\n`;
  if (ready.readStates.length > 0) {
    const reads = ready.readStates.map(({ index, context }) => `{${index} [${context}]}`);
    text += `ReadStates [${reads.join(" ")}]\n`;
  }
  if (ready.entries.length > 0) text += `Entries:\n${describeEntries(ready.entries)}`;
  if (ready.snapshot !== undefined) text += `Snapshot ${describeSnapshot(ready.snapshot)}\n`;
  if (ready.committedEntries.length > 0) {
    text += `CommittedEntries:\n${describeEntries(ready.committedEntries)}`;
  }
  if (ready.messages.length > 0) {
    text += `Messages:\n${ready.messages.map((m) => `${describeMessage(m)}\n`).join("")}`;
  }
  for (const want of ready.wants) {
    text += `Want for:${want.for} [${want.from}, ${want.to})\n`;
  }
  return text === "" ? "<empty Ready>" : `Ready MustSync=${ready.mustSync}:\n${text}`;
}

/** One follower as its leader sees it. */
export function describeProgress(progress: ProgressStatus): string {
  let text = `${PROGRESS_NAMES[progress.state]} match=${progress.match} next=${progress.next}`;
  if (progress.isLearner) text += " learner";
  if (progress.isPaused) text += " paused";
  if (progress.pendingSnapshot > 0) text += ` pendingSnap=${progress.pendingSnapshot}`;
  if (!progress.recentActive) text += " inactive";
  if (progress.inflightCount > 0) {
    text += ` inflight=${progress.inflightCount}${progress.isInflightFull ? "[full]" : ""}`;
  }
  return text;
}

function describeHardState({ term, vote, commit }: HardState): string {
  return `Term:${term}${vote === 0 ? "" : ` Vote:${vote}`} Commit:${commit}`;
}
