import type { ConfChange, ConfChangeKind, ConfChangeStep, ConfState } from "../../core/types.ts";

const KIND_OF_LETTER: ReadonlyMap<string, ConfChangeKind> = new Map([
  ["v", "add-voter"],
  ["l", "add-learner"],
  ["r", "remove"],
  ["u", "update"],
]);

const LETTER_OF_KIND: Readonly<Record<ConfChangeKind, string>> = {
  "add-voter": "v",
  "add-learner": "l",
  remove: "r",
  update: "u",
};

/**
 * A change as scripts propose it. `v1` changes print as the older of two entry kinds that other
 * implementations have; there is no other difference.
 */
export interface ScriptConfChange extends ConfChange {
  readonly isVersion1?: true;
}

/** Reads `v1 l2 r3 u4`; answers with what is wrong when something is. */
export function parseConfChangeSteps(text: string): readonly ConfChangeStep[] | string {
  const steps: ConfChangeStep[] = [];
  for (const word of text.trim().split(/\s+/)) {
    if (word === "") continue;
    const kind = KIND_OF_LETTER.get(word.charAt(0));
    if (word.length < 2) return `unknown token ${word}`;
    if (kind === undefined || !/^\d+$/.test(word.slice(1))) return `unknown input: ${word}`;
    steps.push({ kind, replica: Number(word.slice(1)) });
  }
  return steps;
}

/** The inverse of `parseConfChangeSteps`. */
export function describeConfChangeSteps(steps: readonly ConfChangeStep[]): string {
  return steps.map(({ kind, replica }) => `${LETTER_OF_KIND[kind]}${replica}`).join(" ");
}

/** `voters=(1 2)&&(2 3) learners=(4) learners_next=(3) autoleave`, what is empty left out. */
export function describeConfiguration(confState: ConfState): string {
  const { voters, votersOutgoing, learners, learnersNext } = confState;
  const outgoing = votersOutgoing.length > 0 ? `&&${idSet(votersOutgoing)}` : "";
  const parts = [`voters=${idSet(voters)}${outgoing}`];
  if (learners.length > 0) parts.push(`learners=${idSet(learners)}`);
  if (learnersNext.length > 0) parts.push(`learners_next=${idSet(learnersNext)}`);
  if (confState.autoLeave) parts.push("autoleave");
  return parts.join(" ");
}

/** A configuration as snapshots show it. */
export function describeConfState(confState: ConfState): string {
  return [
    `Voters:[${confState.voters.join(" ")}]`,
    `VotersOutgoing:[${confState.votersOutgoing.join(" ")}]`,
    `Learners:[${confState.learners.join(" ")}]`,
    `LearnersNext:[${confState.learnersNext.join(" ")}]`,
    `AutoLeave:${confState.autoLeave}`,
  ].join(" ");
}

function idSet(ids: readonly number[]): string {
  return `(${ids.map((id) => id.toString(16)).join(" ")})`;
}
