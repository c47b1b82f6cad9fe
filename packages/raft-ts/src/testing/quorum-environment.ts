import { describeAcked } from "./describe/describe-quorum.ts";
import { jointCommitted, jointVote, type JointVoters } from "../core/quorum/joint.ts";
import {
  type AckedIndexes,
  majorityCommitted,
  majorityVote,
  type VoteResult,
  type Votes,
} from "../core/quorum/majority.ts";
import { sortedIds } from "../core/membership/configuration.ts";
import { parseInteger, ScriptError } from "./script/arguments.ts";
import type { ScriptCase } from "./script/parse-script.ts";
import type { ScriptEnvironment } from "./script/run-script.ts";

const VOTE_RESULT_TEXT: Readonly<Record<VoteResult, string>> = {
  pending: "VotePending",
  lost: "VoteLost",
  won: "VoteWon",
};

/** What a command says about the voters: who they are, and what each has told. */
interface QuorumCase extends JointVoters {
  readonly isJoint: boolean;
  readonly told: ReadonlyMap<number, string>;
  readonly toldCount: number;
}

/**
 * `committed cfg=(1,2,3) [cfgj=(3,4)|cfgj=zero] idx=(5,_,7)` and `vote … votes=(y,n,_)`: the pure
 * quorum rules. What is told goes to the voters in the order in which they are first named; `_`
 * tells nothing. Each answer is also computed in other ways that must agree.
 */
export class QuorumEnvironment implements ScriptEnvironment {
  readonly commands = ["committed", "vote"];

  run(test: ScriptCase): string {
    const quorum = parseQuorumCase(test);
    const ids = sortedIds([...quorum.voters, ...quorum.votersOutgoing]);
    if (quorum.toldCount !== ids.length) {
      return `error: mismatched input (explicit or _) for voters [${ids.join(" ")}]`;
    }
    return test.command === "vote" ? runVote(quorum) : runCommitted(quorum, ids);
  }
}

function parseQuorumCase(test: ScriptCase): QuorumCase {
  const voters: number[] = [];
  const votersOutgoing: number[] = [];
  let isJoint = false;
  const values: string[] = [];
  for (const arg of test.args) {
    if (arg.key === "cfg") voters.push(...arg.values.map(parseInteger));
    else if (arg.key === "cfgj") {
      isJoint = true;
      if (arg.values[0] !== "zero") votersOutgoing.push(...arg.values.map(parseInteger));
    } else if (arg.key === "idx" || arg.key === "votes") values.push(...arg.values);
    else throw new ScriptError(`unknown argument ${arg.key}`);
  }
  const told = new Map<number, string>();
  const order = [...new Set([...voters, ...votersOutgoing])];
  for (const [position, id] of order.entries()) {
    const value = values[position];
    if (value !== undefined && value !== "_") told.set(id, value);
  }
  return { voters, votersOutgoing, isJoint, told, toldCount: values.length };
}

function runCommitted(quorum: QuorumCase, ids: readonly number[]): string {
  const indexes = new Map([...quorum.told].map(([id, text]) => [id, parseInteger(text)]));
  const acked = ackedFrom(indexes);
  let output = describeAcked(ids, acked);
  const disagree = (index: number, other: number, how: string): void => {
    if (other !== index) output += `${indexText(other)} <-- via ${how}\n`;
  };
  const { voters, votersOutgoing } = quorum;
  if (quorum.isJoint) {
    const index = jointCommitted(quorum, acked);
    const swapped = { voters: votersOutgoing, votersOutgoing: voters };
    disagree(index, jointCommitted(swapped, acked), "symmetry");
    return `${output}${indexText(index)}\n`;
  }
  const index = majorityCommitted(voters, acked);
  disagree(index, naiveCommitted(voters, indexes), "alternative computation");
  disagree(index, jointCommitted({ voters, votersOutgoing: [] }, acked), "zero-joint quorum");
  disagree(index, jointCommitted({ voters, votersOutgoing: voters }, acked), "self-joint quorum");
  for (const [id, own] of indexes) {
    if (own >= index) continue;
    // A voter below the committed index does not decide it, however far below it is.
    const lower = ackedFrom(new Map(indexes).set(id, own - 1));
    disagree(index, majorityCommitted(voters, lower), `overlaying ${id}->${own - 1}`);
  }
  return `${output}${indexText(index)}\n`;
}

function runVote(quorum: QuorumCase): string {
  const { told, voters, votersOutgoing } = quorum;
  const votes: Votes = {
    voteOf: (id) => (told.has(id) ? told.get(id) === "y" : undefined),
  };
  if (!quorum.isJoint) return `${VOTE_RESULT_TEXT[majorityVote(voters, votes)]}\n`;
  const result = jointVote(quorum, votes);
  const swapped = jointVote({ voters: votersOutgoing, votersOutgoing: voters }, votes);
  const note = swapped === result ? "" : `${VOTE_RESULT_TEXT[swapped]} <-- via symmetry\n`;
  return `${note}${VOTE_RESULT_TEXT[result]}\n`;
}

function ackedFrom(indexes: ReadonlyMap<number, number>): AckedIndexes {
  return { ackedIndex: (id) => indexes.get(id) };
}

/** Sorts and picks, as the paper's figure 2 reads. */
function naiveCommitted(voters: readonly number[], indexes: ReadonlyMap<number, number>): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  const sorted = voters.map((id) => indexes.get(id) ?? 0).sort((a, b) => b - a);
  return sorted[Math.floor(voters.length / 2)] ?? 0;
}

function indexText(index: number): string {
  return Number.isFinite(index) ? String(index) : "∞";
}
