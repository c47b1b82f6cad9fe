import type { Command } from "commander";
import { type FormatOptions, withOutputOption } from "./client-command.ts";
import type { CommandContext } from "./command-context.ts";
import { withTlsOptions } from "./tls-options.ts";

/** Adds `strata profile`: clusters under names. */
export function addProfileCommand(program: Command, context: CommandContext): void {
  const profile = program
    .command("profile")
    .summary("keep clusters under names")
    .description("Keeps clusters under names, so that commands need no addresses.");
  withOutputOption(profile.command("list"))
    .description("Lists profiles.")
    .addHelpText("after", "\nExamples:\n  strata profile list\n  strata profile list -o json")
    .action(async (options: FormatOptions) => {
      const { listProfiles } = await import("../profile/run-profile.ts");
      await listProfiles(options, context);
    });
  addAdd(profile, context);
  profile
    .command("use [name]")
    .description("Makes a profile the one that is used when none is named; without a name, none.")
    .addHelpText("after", "\nExamples:\n  strata profile use production\n  strata profile use")
    .action(async (name: string | undefined) => {
      const { useProfile } = await import("../profile/run-profile.ts");
      await useProfile(name, context);
    });
  profile
    .command("remove <name>")
    .description("Removes a profile.")
    .addHelpText("after", "\nExamples:\n  strata profile remove staging")
    .action(async (name: string) => {
      const { removeProfile } = await import("../profile/run-profile.ts");
      await removeProfile(name, context);
    });
}

function addAdd(profile: Command, context: CommandContext): void {
  withTlsOptions(profile.command("add <name>"))
    .description("Adds a profile, or replaces the one of that name.")
    .requiredOption("--brokers <list>", "brokers to ask, host:port with commas between")
    .addHelpText(
      "after",
      `
Examples:
  strata profile add local --brokers 127.0.0.1:9095
  strata profile add production --brokers log-1:9095,log-2:9095 --tls-ca ca.pem

Profiles are kept in stratalog/profiles.json under XDG_CONFIG_HOME, else in ~/.config. Keys and
certificates stay where they are; the profile names their files.`,
    )
    .action(async (name: string, options: TlsOptionsWithBrokers) => {
      const { addProfile } = await import("../profile/run-profile.ts");
      await addProfile(name, options, context);
    });
}

type TlsOptionsWithBrokers = Parameters<typeof import("../profile/run-profile.ts").addProfile>[1];
