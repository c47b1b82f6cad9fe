// docs/limits.md says what the schema and the code say, forgets no limit, and each has its test.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "../skips.ts";
import { CONFIGURED_LIMITS } from "./configured-limits.ts";
import { OTHER_LIMITS } from "./fixed-limits.ts";
import { limitsPage, settings } from "./limits-page.ts";

/** How the name of a setting says that it bounds something. */
const BOUNDS = /(?:^|\.)(?:max|inflight|handshake|idle|keepalive|stalled|reserve)(?:\.|$)/;

describe("the page about limits", () => {
  it("is what the schema and the tests say", async () => {
    await expect(limitsPage()).toMatchFileSnapshot(join(repositoryRoot, "docs/limits.md"));
  });

  it("has every setting that bounds something, and none that does not exist", () => {
    const told = CONFIGURED_LIMITS.map(({ setting }) => setting);
    const known = [...settings().keys()];
    expect(told.filter((name) => !known.includes(name))).toEqual([]);
    expect(known.filter((name) => BOUNDS.test(name) && !told.includes(name))).toEqual([]);
  });

  it("tells of nothing that no test holds to its edge", async () => {
    for (const { proof } of [...CONFIGURED_LIMITS, ...OTHER_LIMITS]) {
      const text = await readFile(join(repositoryRoot, proof.file), "utf8");
      expect([proof.file, proof.claim, text.includes(proof.claim)]).toEqual([
        proof.file,
        proof.claim,
        true,
      ]);
    }
  });
});
