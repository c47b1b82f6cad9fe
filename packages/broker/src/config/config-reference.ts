import { environmentName } from "./config-sources.ts";
import { settingRule } from "./setting-rules.ts";
import { SETTING_NAMES } from "./settings.ts";

function defaultText(defaultValue: unknown, isRequired: boolean): string {
  if (isRequired) return "required";
  if (defaultValue === undefined) return "";
  return Array.isArray(defaultValue) ? "empty" : JSON.stringify(defaultValue);
}

/** The reference of all settings as a Markdown table, made from the schema. */
export function configReference(): string {
  const rows = SETTING_NAMES.map((key) => {
    const rule = settingRule(key);
    const columns = [
      `\`${key}\``,
      rule.allowed,
      defaultText(rule.defaultValue, rule.isRequired),
      rule.meaning,
      `\`${environmentName(key)}\``,
    ];
    return `| ${columns.join(" | ")} |`;
  });
  const head = [
    "| setting | allowed | default | meaning | environment |",
    "| --- | --- | --- | --- | --- |",
  ];
  return [...head, ...rows].join("\n");
}
