import { configReference } from "@stratalog/broker";
import { CONFIGURED_LIMITS } from "./configured-limits.ts";
import { FIXED_LIMITS, OTHER_LIMITS } from "./fixed-limits.ts";

/** A setting as the schema has it. */
export interface Setting {
  readonly name: string;
  readonly allowed: string;
  readonly defaultValue: string;
  readonly meaning: string;
}

const INTRODUCTION = `# Limits

What bounds clients, strangers and other brokers, and what happens beyond. A broker at a limit
goes on serving everybody else. Defaults and meanings come from the schema; every row is held to its
edge by a test (\`test/limits\`). Written by \`npx vitest run test/limits -u\`.
`;

const UNBOUNDED = `## Without a bound of its own

* Keys and headers of a record in a batch: batches are stored as they come, and a broker neither
  decompresses one nor walks its records to take it. \`max.message.bytes\` bounds all together, and the
  count of records is in the batch's header. Records of \`Produce\`, which the broker makes a batch of,
  have the bounds above.
* Bytes of a compressed batch once it is decompressed: that is the reader's. \`Fetch\`, which
  decompresses for its caller, stops at 16 MiB.
* Frames without a call (resets, settings, pings, what breaks HTTP/2's rules): Node's HTTP/2 bounds
  them by itself, and there is no setting for it.
`;

/** Settings of a broker by name, read from their reference. */
export function settings(): ReadonlyMap<string, Setting> {
  const rows = configReference().split("\n").slice(2);
  return new Map(
    rows.map((row) => {
      const cells = row.slice(2, -2).split(" | ");
      const [name = "", allowed = "", defaultValue = "", meaning = ""] = cells;
      const bare = name.replaceAll("`", "");
      return [bare, { name: bare, allowed, defaultValue, meaning }];
    }),
  );
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, headings.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** A number as people read it, with its unit. */
function quantity(bound: number, unit: string | undefined): string {
  const grouped = bound.toLocaleString("en-US");
  return unit === undefined ? grouped : `${grouped} ${unit}`;
}

/** docs/limits.md, whole. */
export function limitsPage(): string {
  const known = settings();
  const configured = CONFIGURED_LIMITS.map(({ setting, beyond }) => {
    const { allowed = "", defaultValue = "", meaning = "" } = known.get(setting) ?? {};
    const grouped = /^\d+$/.test(defaultValue)
      ? quantity(Number(defaultValue), undefined)
      : defaultValue;
    const range = allowed.replace("a whole number from ", "").replace(" to ", "–");
    return [`\`${setting}\``, grouped, range, meaning, beyond];
  });
  const fixed = FIXED_LIMITS.map(({ what, bound, unit, code }) => [
    what,
    quantity(bound, unit),
    code,
  ]);
  const others = OTHER_LIMITS.map(({ what, bound, beyond }) => [what, bound, beyond]);
  return `${INTRODUCTION}
## With a setting

${table(["setting", "default", "allowed", "what it bounds", "beyond it"], configured)}

## Fixed

${table(["what", "most", "beyond it"], [...fixed, ...others])}

${UNBOUNDED}`;
}
