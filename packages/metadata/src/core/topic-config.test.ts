import { describe, expect, it } from "vitest";
import {
  checkTopicSetting,
  resolveTopicConfig,
  TOPIC_CONFIG,
  TOPIC_CONFIG_NAMES,
  topicSetting,
} from "./topic-config.ts";

describe("topic configuration", () => {
  it("keeps records for ever unless asked, and follows Kafka's other defaults", () => {
    expect(resolveTopicConfig({})).toEqual({
      retentionMs: -1,
      retentionBytes: -1,
      segmentBytes: 1_073_741_824,
      segmentMs: 604_800_000,
      maxMessageBytes: 1_048_576,
      compressionType: "producer",
      cleanupPolicy: "delete",
      messageTimestampType: "CreateTime",
    });
  });

  it("accepts its own defaults", () => {
    for (const name of TOPIC_CONFIG_NAMES) {
      expect(checkTopicSetting(name, String(TOPIC_CONFIG[name].default))).toBeUndefined();
    }
  });

  it("shows a setting in force as text", () => {
    expect(topicSetting({ "segment.ms": "5000" }, "segment.ms")).toBe("5000");
    expect(topicSetting({}, "segment.ms")).toBe("604800000");
  });

  it.each(["1e3", "0x10", " 5", "", "1.5", "99999999999999999999", "NaN", "--1"])(
    "refuses %j as a number",
    (value) => {
      expect(checkTopicSetting("retention.ms", value)).toContain("whole number");
    },
  );

  it("names what it knows when a name is unknown", () => {
    expect(checkTopicSetting("toString", "1")).toContain("retention.ms");
  });
});
