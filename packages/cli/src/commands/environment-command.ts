import { Command, type Option } from "commander";

/** Flags that say which cluster and how to reach it: one name for every command, as programs use. */
const CONNECTION_FLAGS = new Set([
  "brokers",
  "profile",
  "tls",
  "tls-ca",
  "tls-cert",
  "tls-key",
  "tls-server-name",
]);
/** Commands whose `--brokers` is a number of brokers to start. */
const STARTING_COMMANDS = new Set(["dev", "broker"]);
const OFF = new Set(["", "0", "false", "no"]);

/**
 * A command whose flags each have a twin in the environment; so have those of the commands below
 * it. A flag on the command line wins. A flag without a value counts as given unless its variable
 * is empty, 0, false or no.
 */
export class EnvironmentCommand extends Command {
  override createCommand(name?: string): EnvironmentCommand {
    return new EnvironmentCommand(name);
  }

  override addOption(option: Option): this {
    const variable = environmentTwin(pathOf(this), option);
    if (variable !== undefined && !isOff(option, process.env[variable])) option.env(variable);
    return super.addOption(option);
  }
}

/** Commander takes a switch as given when its variable is there at all. */
function isOff(option: Option, value: string | undefined): boolean {
  const isSwitch = !option.required && !option.optional;
  return value === "" || (isSwitch && OFF.has((value ?? "").toLowerCase()));
}

/** Names from below the root down to a command. */
function pathOf(command: Command): readonly string[] {
  return command.parent === null ? [] : [...pathOf(command.parent), command.name()];
}

/**
 * The variable that stands for a flag: `--partitions` of `strata topic create` is
 * STRATA_TOPIC_CREATE_PARTITIONS; flags that every command has in common, such as `--brokers`, are
 * STRATALOG_BROKERS. Undefined for a flag of the root, or without a long name.
 */
function environmentTwin(path: readonly string[], option: Option): string | undefined {
  const command = path[0];
  if (command === undefined || option.long === undefined || option.long === null) return undefined;
  const flag = option.long.slice("--".length);
  const isConnection = CONNECTION_FLAGS.has(flag) && !STARTING_COMMANDS.has(command);
  const words = isConnection ? ["stratalog", flag] : ["strata", ...path, flag];
  return words.join("_").replaceAll("-", "_").toUpperCase();
}
