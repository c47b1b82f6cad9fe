import type { InteractionCommand } from "../interaction-environment.ts";
import { ScriptError } from "../script/arguments.ts";

/** `log-level none`: from now on nothing but errors is printed; any other level prints again. */
export const logLevel: InteractionCommand = (cluster, test) => {
  const name = test.args[0]?.key ?? "";
  if (!cluster.output.setLevel(name)) throw new ScriptError(`there is no log level ${name}`);
};
