/** One family of metrics as Prometheus' text shows it. */
export interface MetricFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  /** Names of labels that were seen, without those of the format. */
  readonly labels: readonly string[];
}

const INTRODUCTION = `# Metrics

What a broker shows at \`/metrics\` of its port for operators (default 9644 + 10 * node.id), in
Prometheus' text format. Names end with their unit; counters end with \`_total\`; histograms have
\`_bucket\`, \`_sum\` and \`_count\`. Labels are methods, error codes, and the groups and topics that
are furthest behind: nothing is per partition or per client. \`cluster/grafana-dashboard.json\` shows
them. A test writes this page (\`npx vitest run test/metrics -u\`) and holds the dashboard to it.
`;

/** The families of a page in Prometheus' text format. */
export function metricFamilies(text: string): readonly MetricFamily[] {
  const help = new Map<string, string>();
  const families: MetricFamily[] = [];
  for (const line of text.split("\n")) {
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === "HELP") help.set(name, rest);
    if (kind !== "TYPE") continue;
    const labels = new Set<string>();
    for (const [, fields = ""] of text.matchAll(seriesOf(name))) {
      for (const [, label = ""] of fields.matchAll(/(\w+)="/g))
        if (label !== "le") labels.add(label);
    }
    families.push({ name, type: rest, help: help.get(name) ?? "", labels: [...labels] });
  }
  return families;
}

/** METRICS.md: every family, with its help. */
export function metricsPage(families: readonly MetricFamily[]): string {
  const rows = families
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, type, help }) => `| \`${name}\` | ${type} | ${help} |`);
  const head = ["| metric | type | what |", "| --- | --- | --- |"];
  return `${INTRODUCTION}\n${[...head, ...rows].join("\n")}\n`;
}

function seriesOf(name: string): RegExp {
  return new RegExp(`^${name}(?:_bucket|_sum|_count)?\\{([^}]*)\\}`, "gm");
}
