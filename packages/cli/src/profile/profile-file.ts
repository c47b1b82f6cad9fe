import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { CodedError, decodeJson, type Shaped, shape } from "@stratalog/base";

const PROFILE = shape.object({
  brokers: shape.text,
  tls: shape.optional(shape.flag),
  tlsCa: shape.optional(shape.text),
  tlsCert: shape.optional(shape.text),
  tlsKey: shape.optional(shape.text),
  tlsServerName: shape.optional(shape.text),
});

/** A cluster under a name, with what is needed to reach it. Paths are absolute. */
export type Profile = Shaped<typeof PROFILE>;

const CONTENT = shape.object({
  current: shape.optional(shape.text),
  profiles: shape.map(PROFILE),
});

/** All profiles of a user, and which of them is used when none is named. */
export interface Profiles {
  readonly current: string | undefined;
  readonly profiles: ReadonlyMap<string, Profile>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a user's profiles are: `stratalog/profiles.json` under XDG_CONFIG_HOME, else ~/.config. */
export function profilePath(environment: Environment): string {
  const home = environment["XDG_CONFIG_HOME"];
  const folder = home === undefined || home === "" ? join(homedir(), ".config") : home;
  return join(folder, "stratalog", "profiles.json");
}

/** Reads the profiles; none when there is no file. Errors: INVALID_CONFIG. */
export async function readProfiles(path: string): Promise<Profiles> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (isMissing(error)) return { current: undefined, profiles: new Map() };
    const reason = error instanceof Error ? error.message : String(error);
    throw new CodedError("INVALID_CONFIG", `cannot read the profiles: ${reason}`, { cause: error });
  }
  const decoded = decodeJson(bytes, CONTENT);
  if (decoded.ok) {
    return { current: decoded.value.current, profiles: decoded.value.profiles };
  }
  throw new CodedError(
    "INVALID_CONFIG",
    `${path} is not a list of profiles: ${decoded.reason}; mend or remove the file`,
  );
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** Replaces the profiles. A reader sees the old ones or the new ones, never half of a file. */
export async function writeProfiles(path: string, content: Profiles): Promise<void> {
  const { current, profiles } = content;
  const text = JSON.stringify({ current, profiles: Object.fromEntries(profiles) }, undefined, 2);
  const draft = `${path}.${process.pid}`;
  await mkdir(dirname(path), { recursive: true });
  // Names of brokers and places of keys are nobody else's business.
  await writeFile(draft, `${text}\n`, { mode: 0o600 });
  await rename(draft, path);
}

/** The profile of that name. Errors: INVALID_REQUEST when there is none. */
export function profileNamed(content: Profiles, name: string): Profile {
  const profile = content.profiles.get(name);
  if (profile !== undefined) return profile;
  const names = [...content.profiles.keys()].toSorted().join(", ");
  throw new CodedError(
    "INVALID_REQUEST",
    `there is no profile "${name}"; ${names === "" ? "none are defined" : `there are ${names}`}`,
  );
}
