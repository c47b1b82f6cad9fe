import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { canRun, type Requirement, sharedFolder } from "./skips.ts";

const missing: Requirement = {
  need: "data",
  isMet: false,
  name: "the tests of skips",
  reason: "there is nothing to need",
};

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("canRun", () => {
  it("notes a requirement that is not met, with its reason, for the table", () => {
    const folder = mkdtempSync(join(tmpdir(), "stratalog-skips-"));
    const path = join(folder, "skips.jsonl");
    vi.stubEnv("STRATALOG_REQUIRE", "");
    vi.stubEnv("STRATALOG_SKIPS", path);
    expect(canRun({ ...missing, isMet: true })).toBe(true);
    expect(canRun(missing)).toBe(false);
    expect(readFileSync(path, "utf8")).toBe(
      '{"name":"the tests of skips","reason":"there is nothing to need"}\n',
    );
    rmSync(folder, { recursive: true });
  });

  it("fails when STRATALOG_REQUIRE names what is missing", () => {
    vi.stubEnv("STRATALOG_REQUIRE", "vectors, data");
    expect(() => canRun(missing)).toThrow("cannot be skipped");
    expect(canRun({ ...missing, isMet: true })).toBe(true);
  });
});

describe("sharedFolder", () => {
  it("is undefined where the folder is absent", () => {
    expect(sharedFolder("no-such-folder")).toBeUndefined();
  });
});
