import { assert } from "@stratalog/base";
import { z } from "zod";
import { brokerSettings, type SettingName } from "./settings.ts";

/**
 * What a setting allows, read back from the schema, so that messages and reference cannot drift
 * from it.
 */
export interface SettingRule {
  /** For people: "a whole number from 1 to 65535". */
  readonly allowed: string;
  readonly defaultValue: unknown;
  readonly isRequired: boolean;
  readonly meaning: string;
}

function allowedText(json: z.core.JSONSchema.JSONSchema): string {
  if (json.enum !== undefined) return `one of ${json.enum.join(", ")}`;
  if (json.type === "integer") return `a whole number from ${json.minimum} to ${json.maximum}`;
  if (json.type === "boolean") return "true or false";
  if (json.type === "array") return "a list of id@host:port";
  assert(json.type === "string", `no wording for settings of type ${String(json.type)}`);
  return "a text";
}

/** The rule of one setting. */
export function settingRule(key: SettingName): SettingRule {
  const schema = brokerSettings.shape[key];
  const json = z.toJSONSchema(schema);
  return {
    allowed: allowedText(json),
    defaultValue: json.default,
    isRequired: !schema.safeParse(undefined).success,
    meaning: schema.description ?? "",
  };
}
