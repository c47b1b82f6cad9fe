import { CodedError } from "@stratalog/base";
import { describe, expect, it } from "vitest";
import { errorLine } from "./error-line.ts";
import { formatBytes, formatCount, formatDuration, formatRate, progressBar } from "./figures.ts";
import { formatTable } from "./table.ts";

describe("formatTable", () => {
  it("aligns columns under their headings, numbers to the right, without trailing blanks", () => {
    const rows = [
      ["orders", 12],
      ["a", 3],
    ];
    expect(formatTable(["topic", "partitions"], rows)).toBe(
      "TOPIC   PARTITIONS\norders          12\na                3",
    );
    expect(formatTable(["topic"], [])).toBe("TOPIC");
  });
});

describe("errorLine", () => {
  it("says code, what and what to do in one line", () => {
    const line = errorLine(new CodedError("UNKNOWN_TOPIC_OR_PARTITION", 'no topic "x"'));
    expect(line).toBe(
      'strata: UNKNOWN_TOPIC_OR_PARTITION: no topic "x" (`strata topic list` shows the topics)',
    );
  });

  it("shows where a bug came from", () => {
    expect(errorLine(new TypeError("x is not a function"))).toMatch(
      /INTERNAL: TypeError[^]*\.test\.ts/,
    );
  });
});

describe("figures", () => {
  it("are short", () => {
    expect(formatCount(1234567)).toBe("1,234,567");
    expect(formatDuration(850.4)).toBe("850 ms");
    expect(formatDuration(1249)).toBe("1.2 s");
    expect(formatRate(100_000, 500)).toBe("200,000/s");
    expect([0, 1023, 1536, 5 * 2 ** 30].map(formatBytes)).toEqual([
      "0 B",
      "1023 B",
      "1.5 KiB",
      "5.0 GiB",
    ]);
  });

  it("draw how much is done", () => {
    expect(progressBar(500, 2000)).toBe("[########......................]  25%  500 of 2,000");
    expect(progressBar(9, 9)).toBe(`[${"#".repeat(30)}] 100%  9 of 9`);
  });
});
