import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { profileNamed, profilePath, readProfiles, writeProfiles } from "./profile-file.ts";

let folder = "";
let path = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "strata-profiles-"));
  path = profilePath({ XDG_CONFIG_HOME: folder });
});
afterEach(() => rm(folder, { recursive: true }));

describe("profiles", () => {
  it("are none before the first is written, and then what was written", async () => {
    expect(await readProfiles(path)).toEqual({ current: undefined, profiles: new Map() });
    const content = {
      current: "local",
      profiles: new Map([["local", { brokers: "127.0.0.1:9095", tls: true }]]),
    };
    await writeProfiles(path, content);
    expect(await readProfiles(path)).toEqual(content);
  });

  it("name what there is when another is asked for", async () => {
    const content = { current: undefined, profiles: new Map([["local", { brokers: "a:1" }]]) };
    expect(profileNamed(content, "local")).toEqual({ brokers: "a:1" });
    expect(() => profileNamed(content, "prod")).toThrow('no profile "prod"; there are local');
  });

  it.each(["{", '{"profiles":{"a":{}}}', '{"profiles":[]}'])("refuse %s", async (text) => {
    await writeProfiles(path, { current: undefined, profiles: new Map() });
    await writeFile(path, text);
    await expect(readProfiles(path)).rejects.toMatchObject({ code: "INVALID_CONFIG" });
  });
});
