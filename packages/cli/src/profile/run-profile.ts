import { resolve } from "node:path";
import { type FormatOptions, printFacts } from "../commands/client-command.ts";
import type { CommandContext } from "../commands/command-context.ts";
import type { TlsOptions } from "../commands/tls-options.ts";
import {
  type Profile,
  profileNamed,
  profilePath,
  readProfiles,
  writeProfiles,
} from "./profile-file.ts";

/** What `strata profile add` was told. */
export interface ProfileOptions extends TlsOptions {
  readonly brokers: string;
}

/** Prints all profiles. */
export async function listProfiles(options: FormatOptions, context: CommandContext): Promise<void> {
  const { current, profiles } = await readProfiles(profilePath(process.env));
  const rows = [...profiles].toSorted(([a], [b]) => (a < b ? -1 : 1));
  await printFacts(context, options, {
    json: rows.map(([name, profile]) => ({ name, isCurrent: name === current, ...profile })),
    headings: ["profile", "used", "brokers", "tls"],
    rows: rows.map(([name, profile]) => [
      name,
      name === current ? "yes" : "",
      profile.brokers,
      tlsText(profile),
    ]),
  });
}

function tlsText({ tls, tlsCa, tlsCert }: Profile): string {
  if (tlsCert !== undefined) return "with own certificate";
  return tls === true || tlsCa !== undefined ? "yes" : "no";
}

/** Adds or replaces a profile; the first one is used from then on. */
export async function addProfile(
  name: string,
  options: ProfileOptions,
  context: CommandContext,
): Promise<void> {
  const path = profilePath(process.env);
  const content = await readProfiles(path);
  const { brokers, tls, tlsCa, tlsCert, tlsKey, tlsServerName } = options;
  const profile: Profile = {
    brokers,
    ...(tls === undefined ? {} : { tls }),
    ...(tlsCa === undefined ? {} : { tlsCa: resolve(tlsCa) }),
    ...(tlsCert === undefined ? {} : { tlsCert: resolve(tlsCert) }),
    ...(tlsKey === undefined ? {} : { tlsKey: resolve(tlsKey) }),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
  };
  const current = content.current ?? name;
  await writeProfiles(path, { current, profiles: new Map([...content.profiles, [name, profile]]) });
  context.output.line(`profile ${name}: ${brokers}${current === name ? ", used from now on" : ""}`);
}

/** Makes a profile the one that is used when none is named; without a name, none is. */
export async function useProfile(name: string | undefined, context: CommandContext): Promise<void> {
  const path = profilePath(process.env);
  const { profiles } = await readProfiles(path);
  if (name !== undefined) profileNamed({ current: undefined, profiles }, name);
  await writeProfiles(path, { current: name, profiles });
  context.output.line(name === undefined ? "no profile is used" : `profile ${name} is used`);
}

/** Removes a profile. */
export async function removeProfile(name: string, context: CommandContext): Promise<void> {
  const path = profilePath(process.env);
  const content = await readProfiles(path);
  profileNamed(content, name);
  const profiles = new Map(content.profiles);
  profiles.delete(name);
  const current = content.current === name ? undefined : content.current;
  await writeProfiles(path, { current, profiles });
  context.output.line(`removed profile ${name}`);
}
