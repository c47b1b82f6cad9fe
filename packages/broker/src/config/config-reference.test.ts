import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { configurationPage } from "./config-reference.ts";

describe("docs/configuration.md", () => {
  it("is what the schema says; `npm run docs:configuration` writes it", () => {
    const path = join(import.meta.dirname, "../../../../docs/configuration.md");
    expect(readFileSync(path, "utf8")).toBe(configurationPage());
  });
});
