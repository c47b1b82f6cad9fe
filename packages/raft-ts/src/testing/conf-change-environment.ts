import {
  changeSimply,
  type ChangeOutcome,
  type ChangeRefusal,
  enterJoint,
  leaveJoint,
} from "../core/membership/changer.ts";
import { EMPTY_CONF_STATE, type ConfState } from "../core/types.ts";
import { isLearner, memberIds } from "../core/membership/configuration.ts";
import { describeConfiguration, parseConfChangeSteps } from "./describe/describe-conf-change.ts";
import { valueOf } from "./script/arguments.ts";
import type { ScriptCase } from "./script/parse-script.ts";
import type { ScriptEnvironment } from "./script/run-script.ts";

const REFUSAL_TEXT: Readonly<Record<ChangeRefusal, string>> = {
  "already-joint": "config is already joint",
  "not-joint": "can't leave a non-joint config",
  "joint-needs-voters": "can't make a zero-voter config joint",
  "no-voters-left": "removed all voters",
  "more-than-one-voter": "more than one voter changed without entering joint config",
};

/**
 * `simple`, `enter-joint [autoleave=true]` and `leave-joint`, with steps such as `v1 l2 r3 u4` as
 * input: the pure rules of configuration changes. Prints the configuration and what a leader would
 * track. The last index is the number of commands so far.
 */
export class ConfChangeEnvironment implements ScriptEnvironment {
  readonly commands = ["simple", "enter-joint", "leave-joint"];
  #confState: ConfState = EMPTY_CONF_STATE;
  #next = new Map<number, number>();
  #lastIndex = 0;

  run(test: ScriptCase): string {
    const lastIndex = this.#lastIndex;
    this.#lastIndex++;
    const steps = parseConfChangeSteps(test.input);
    if (typeof steps === "string") return steps;
    if (test.command === "leave-joint" && steps.length > 0) {
      return "this command takes no input\n";
    }
    const outcome = this.#change(test, steps);
    if (!outcome.ok) {
      const isSimple = test.command === "simple" && outcome.reason === "already-joint";
      return isSimple
        ? "can't apply simple config change in joint config\n"
        : `${REFUSAL_TEXT[outcome.reason]}\n`;
    }
    this.#confState = outcome.confState;
    for (const id of outcome.added) this.#next.set(id, Math.max(lastIndex, 1));
    return this.#describe();
  }

  #change(test: ScriptCase, steps: Parameters<typeof changeSimply>[1]): ChangeOutcome {
    if (test.command === "simple") return changeSimply(this.#confState, steps);
    if (test.command === "leave-joint") return leaveJoint(this.#confState);
    return enterJoint(this.#confState, valueOf(test, "autoleave") === "true", steps);
  }

  #describe(): string {
    const lines = memberIds(this.#confState).map((id) => {
      const learner = isLearner(this.#confState, id) ? " learner" : "";
      return `${id}: StateProbe match=0 next=${this.#next.get(id) ?? 0}${learner}\n`;
    });
    return `${describeConfiguration(this.#confState)}\n${lines.join("")}`;
  }
}
