/**
 * Configuration of a topic. Names follow Kafka's; defaults are DESIGN section 4. Values travel as
 * text, as users write them; only what was set is stored, so that a default can change for topics
 * that never chose.
 */

/** What was set, by name. */
export type TopicConfigOverrides = Readonly<Record<string, string>>;

/** The values in force. */
export interface TopicConfig {
  /** Milliseconds that records are kept; -1: for ever. */
  readonly retentionMs: number;
  /** Bytes per partition that are kept; -1: no limit. */
  readonly retentionBytes: number;
  readonly segmentBytes: number;
  readonly segmentMs: number;
  /** Largest batch, compressed. */
  readonly maxMessageBytes: number;
  readonly compressionType: "producer";
  readonly cleanupPolicy: "delete";
  readonly messageTimestampType: "CreateTime";
}

interface NumberDefinition {
  readonly kind: "number";
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unlimited?: number;
  readonly meaning: string;
}

interface ChoiceDefinition {
  readonly kind: "choice";
  readonly default: string;
  readonly choices: readonly string[];
  readonly meaning: string;
}

type Definition = NumberDefinition | ChoiceDefinition;

const YEARS_100_MS = 3_155_760_000_000;
const MIB = 1_048_576;

/** Every name a topic's configuration may have, with default, limits and meaning. */
export const TOPIC_CONFIG = {
  "retention.ms": {
    kind: "number",
    default: -1,
    min: 1,
    max: YEARS_100_MS,
    unlimited: -1,
    meaning: "Milliseconds that records are kept; -1 keeps them for ever.",
  },
  "retention.bytes": {
    kind: "number",
    default: -1,
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    unlimited: -1,
    meaning: "Bytes per partition that are kept; -1 sets no limit.",
  },
  "segment.bytes": {
    kind: "number",
    default: 1024 * MIB,
    min: 16_384,
    max: 2_147_483_647,
    meaning: "Size at which a partition begins another segment file.",
  },
  "segment.ms": {
    kind: "number",
    default: 604_800_000,
    min: 1_000,
    max: YEARS_100_MS,
    meaning: "Age in milliseconds at which a partition begins another segment file.",
  },
  "max.message.bytes": {
    kind: "number",
    default: MIB,
    min: 1_024,
    max: 16 * MIB,
    meaning: "Largest record batch that is accepted, after compression.",
  },
  "compression.type": {
    kind: "choice",
    default: "producer",
    choices: ["producer"],
    meaning: "producer: batches are kept as the producer compressed them.",
  },
  "cleanup.policy": {
    kind: "choice",
    default: "delete",
    choices: ["delete"],
    meaning: "delete: old segments go by age or size, when a retention is set.",
  },
  "message.timestamp.type": {
    kind: "choice",
    default: "CreateTime",
    choices: ["CreateTime"],
    meaning: "CreateTime: records carry the producer's time.",
  },
} as const satisfies Record<string, Definition>;

/** A name that a topic's configuration may have. */
export type TopicConfigName = keyof typeof TOPIC_CONFIG;

/** All names, in the order of the table. */
export const TOPIC_CONFIG_NAMES: readonly TopicConfigName[] = Object.keys(
  TOPIC_CONFIG,
  // The table's keys are the type's members by definition.
) as TopicConfigName[];

function isTopicConfigName(name: string): name is TopicConfigName {
  return Object.hasOwn(TOPIC_CONFIG, name);
}

function definitionOf(name: TopicConfigName): Definition {
  return TOPIC_CONFIG[name];
}

/** What is wrong with a setting, or undefined when it is fine. */
export function checkTopicSetting(name: string, value: string): string | undefined {
  if (!isTopicConfigName(name)) {
    return `unknown topic configuration "${name}"; known are ${TOPIC_CONFIG_NAMES.join(", ")}`;
  }
  const definition = definitionOf(name);
  if (definition.kind === "choice") {
    return definition.choices.includes(value)
      ? undefined
      : `${name} must be ${definition.choices.join(" or ")}, not "${value}"`;
  }
  const parsed = /^-?\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (parsed === definition.unlimited) return undefined;
  if (parsed >= definition.min && parsed <= definition.max) return undefined;
  const orUnlimited = definition.unlimited === undefined ? "" : ` or ${definition.unlimited}`;
  return (
    `${name} must be a whole number from ${definition.min} to ${definition.max}` +
    `${orUnlimited}, not "${value}"`
  );
}

/** A setting's value in force, as text. */
export function topicSetting(overrides: TopicConfigOverrides, name: TopicConfigName): string {
  return overrides[name] ?? String(TOPIC_CONFIG[name].default);
}

function numberSetting(overrides: TopicConfigOverrides, name: TopicConfigName): number {
  return Number(topicSetting(overrides, name));
}

/** The values in force. The overrides were checked when they were set. */
export function resolveTopicConfig(overrides: TopicConfigOverrides): TopicConfig {
  return {
    retentionMs: numberSetting(overrides, "retention.ms"),
    retentionBytes: numberSetting(overrides, "retention.bytes"),
    segmentBytes: numberSetting(overrides, "segment.bytes"),
    segmentMs: numberSetting(overrides, "segment.ms"),
    maxMessageBytes: numberSetting(overrides, "max.message.bytes"),
    compressionType: "producer",
    cleanupPolicy: "delete",
    messageTimestampType: "CreateTime",
  };
}
