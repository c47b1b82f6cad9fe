import { readFile } from "node:fs/promises";
import { CodedError } from "@stratalog/base";
import { parse } from "yaml";
import { SETTING_NAMES, type SettingName } from "./settings.ts";

/** One value that someone gave, and who. */
export interface GivenValue {
  readonly key: string;
  readonly value: unknown;
  /** For messages: the file, the variable or the flag. */
  readonly origin: string;
}

/** The text of a configuration file and the path for messages. */
export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

const ENV_PREFIX = "STRATALOG_";

/** Variables with our prefix that belong to the command line or to the tests, not to a broker. */
const OTHER_VARIABLES = new Set([
  "STRATALOG_BROKERS",
  "STRATALOG_PROFILE",
  "STRATALOG_TLS",
  "STRATALOG_TLS_CA",
  "STRATALOG_TLS_CERT",
  "STRATALOG_TLS_KEY",
  "STRATALOG_TLS_SERVER_NAME",
  "STRATALOG_SKIPS",
  "STRATALOG_REQUIRE",
]);

/** The environment variable of a setting: `node.id` is `STRATALOG_NODE_ID`. */
export function environmentName(key: SettingName): string {
  return ENV_PREFIX + key.toUpperCase().replaceAll(".", "_");
}

const KEY_OF_VARIABLE = new Map(SETTING_NAMES.map((key) => [environmentName(key), key]));

/** Reads a configuration file. Errors: INVALID_CONFIG when it cannot be read. */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  try {
    return { path, text: await readFile(path, "utf8") };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CodedError("INVALID_CONFIG", `cannot read the configuration file: ${reason}`, {
      cause: error,
      details: { path },
    });
  }
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Nested mappings and dotted names say the same: `listeners: {client: {port: 1}}` is
 * `listeners.client.port: 1`.
 */
function flatten(mapping: Readonly<Record<string, unknown>>, prefix: string): [string, unknown][] {
  return Object.entries(mapping).flatMap(([name, value]): [string, unknown][] => {
    const key = prefix === "" ? name : `${prefix}.${name}`;
    return isMapping(value) ? flatten(value, key) : [[key, value]];
  });
}

/**
 * The values that a YAML file gives. Errors: INVALID_CONFIG for text that is not a YAML mapping.
 */
export function valuesOfFile(file: ConfigFile): GivenValue[] {
  let document: unknown;
  try {
    document = parse(file.text, { maxAliasCount: 0 });
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new CodedError("INVALID_CONFIG", `${file.path} is not valid YAML: ${reason}`, {
      cause: error,
    });
  }
  if (document === null || document === undefined) return [];
  if (!isMapping(document)) {
    throw new CodedError(
      "INVALID_CONFIG",
      `${file.path} must hold a mapping of settings, such as "node.id: 1"`,
    );
  }
  return flatten(document, "").map(([key, value]) => ({ key, value, origin: file.path }));
}

/**
 * The values that the environment gives: every `STRATALOG_*` variable is a setting, or a mistake to
 * be told.
 */
export function valuesOfEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): GivenValue[] {
  return Object.entries(environment).flatMap(([variable, value]): GivenValue[] => {
    if (!variable.startsWith(ENV_PREFIX) || value === undefined) return [];
    if (OTHER_VARIABLES.has(variable)) return [];
    const guess = variable.slice(ENV_PREFIX.length).toLowerCase().replaceAll("_", ".");
    const key = KEY_OF_VARIABLE.get(variable) ?? guess;
    return [{ key, value, origin: `environment variable ${variable}` }];
  });
}

/** The values that `key=value` flags give. Errors: INVALID_CONFIG for a flag without `=`. */
export function valuesOfFlags(flags: readonly string[]): GivenValue[] {
  return flags.map((flag) => {
    const split = flag.indexOf("=");
    if (split <= 0) {
      throw new CodedError("INVALID_CONFIG", `"--set ${flag}" must be written --set key=value`);
    }
    const key = flag.slice(0, split).trim();
    return { key, value: flag.slice(split + 1), origin: `flag --set ${key}` };
  });
}
