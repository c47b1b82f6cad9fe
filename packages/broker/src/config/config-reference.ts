import { environmentName } from "./config-sources.ts";
import { settingRule } from "./setting-rules.ts";
import { SETTING_NAMES } from "./settings.ts";

function defaultText(defaultValue: unknown, isRequired: boolean): string {
  if (isRequired) return "required";
  if (defaultValue === undefined) return "";
  return Array.isArray(defaultValue) ? "empty" : JSON.stringify(defaultValue);
}

/** The page about configuration, whole. */
export function configurationPage(): string {
  return `# Configuration of a broker

Made from the schema by \`npm run docs:configuration\`; \`strata broker --settings\` prints the same
table. Values come from flags (\`--set key=value\`), then the environment, then the YAML file
(\`--config\`), then the defaults. Nested mappings and dotted names say the same. An unknown name or
a value that is not allowed is an error that names all problems at once.

Topics have settings of their own, under the same names: \`segment.bytes\`, \`segment.ms\`, \`retention.ms\`,
\`retention.bytes\`, \`max.message.bytes\`; those here are the defaults of topics that say nothing.

${configReference()}
`;
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
