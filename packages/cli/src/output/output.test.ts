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

  it("says in plain words why a connection did not come about", () => {
    const line = (reason: string): string => {
      const words = `No connection established. Last error: ${reason} (2026-11-20T20:02:06.989Z)`;
      return errorLine(
        new CodedError(
          "BROKER_NOT_AVAILABLE",
          `no broker answered: a:1 (${words}. Resolution note: ).`,
        ),
      );
    };
    expect(line("Failed to connect")).toContain(
      "a:1 (it hangs up: no port for clients, or one with",
    );
    const mismatch =
      "Error: 80BC:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:\n";
    expect(line(mismatch)).toContain("a:1 (it does not speak TLS). (`strata dev` starts one;");
    expect(line("Error: self-signed certificate")).toContain("its certificate is not trusted");
    expect(line("Error: EHOSTUNREACH")).toContain("a:1 (Error: EHOSTUNREACH).");
  });

  it("advises on names of settings only where a name or a value was wrong, and once", () => {
    const line = (message: string): string => errorLine(new CodedError("INVALID_CONFIG", message));
    expect(line("node.id is missing; it must be a whole number")).toContain("--settings` lists");
    expect(line('broker a: write "host:port"')).toBe(
      'strata: INVALID_CONFIG: broker a: write "host:port"',
    );
    const told = "unknown configuration key x; see `strata broker --settings`";
    expect(line(told)).toBe(`strata: INVALID_CONFIG: ${told}`);
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
