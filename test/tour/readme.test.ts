// Runs what the README and the guides tell their readers to run: the two commands, the SDK example
// and the command lines.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryRoot } from "../skips.ts";
import { RunningProgram, startStrata } from "./strata-process.ts";

interface CodeBlock {
  readonly language: string;
  readonly text: string;
}

async function codeBlocks(page: string): Promise<readonly CodeBlock[]> {
  const text = await readFile(join(repositoryRoot, page), "utf8");
  return [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language, code]) => ({
    language: language!,
    text: code!,
  }));
}

function commandsOf(blocks: readonly CodeBlock[]): readonly string[] {
  return blocks
    .filter(({ language }) => language === "sh")
    .flatMap(({ text }) => text.trim().split("\n"));
}

const blocks = await codeBlocks("README.md");
const commands = commandsOf(blocks);
const strataCommands = commands.filter((command) => command.includes("npx strata"));

let folder = "";
let cluster: RunningProgram;
let addresses = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stratalog-readme-"));
  cluster = startStrata(["dev", "--data", join(folder, "data")]);
  await cluster.says("Ctrl-C stops the cluster");
  addresses = [...cluster.stderr.matchAll(/^ *\d+ +\d+ +(127\.0\.0\.1:\d+)/gm)]
    .map(([, address]) => address)
    .join(",");
}, 60_000);

afterAll(async () => {
  cluster.child.kill("SIGINT");
  await cluster.finished;
  await rm(folder, { recursive: true });
}, 60_000);

describe("the README", () => {
  it("has the two commands, an example and a command line, and nothing that is not run here", () => {
    const rest = commands.filter((command) => !strataCommands.includes(command));
    expect(rest).toEqual(["npm start", "npm test"]);
    expect(strataCommands.length).toBeGreaterThan(5);
    expect(blocks.map(({ language }) => language)).toContain("ts");
  });

  it("names scripts that exist", async () => {
    const manifest = await readFile(join(repositoryRoot, "package.json"), "utf8");
    const { scripts } = JSON.parse(manifest) as { scripts: Record<string, string> };
    expect(scripts["start"]).toBe("node packages/cli/bin/strata.js dev --tour");
    expect(scripts["test"]).toBe("node scripts/test.mjs");
  });

  it("shows an SDK example that runs as it stands, but for the address", async () => {
    const example = blocks.find(({ language }) => language === "ts")!.text;
    const lines = example
      .trim()
      .split("\n")
      .filter((line) => line !== "");
    expect(lines.length).toBeLessThanOrEqual(12);
    // Inside node_modules, so that the package resolves as it does for a reader and git does not
    // see the file.
    const home = join(repositoryRoot, "node_modules", ".readme-example");
    await mkdir(home, { recursive: true });
    const path = join(home, "example.mts");
    const list = JSON.stringify(addresses.split(","));
    await writeFile(path, example.replace('["127.0.0.1:9105"]', list));
    const run = new RunningProgram(process.execPath, ["--import", "tsx", path]);
    const { code, stdout, stderr } = await run.finished;
    await rm(home, { recursive: true });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe("{ total: 12 }\n");
  }, 60_000);

  it("shows commands that work one after the other", async () => {
    for (const command of strataCommands) {
      const stdout = await runCommand(command);
      if (/consume|replay/.test(command)) expect(stdout).toContain("/pricing");
    }
  }, 120_000);
});

describe("the guide to operations", () => {
  it("shows commands that work one after the other", async () => {
    const guide = commandsOf(await codeBlocks("docs/operations.md"));
    expect(guide.length).toBeGreaterThan(10);
    for (const command of guide) await runCommand(command, folder);
    const restored = await runCommand("npx strata replay invoices-restored --json");
    expect(restored.trim().split("\n")).toHaveLength(2);
  }, 180_000);
});

/** Runs a reader's command against the test's cluster; gives its output. */
async function runCommand(command: string, cwd = repositoryRoot): Promise<string> {
  // npx finds the command from inside the repository only.
  const program = join(repositoryRoot, "packages/cli/bin/strata.js");
  const script =
    cwd === repositoryRoot ? command : command.replaceAll("npx strata", `node ${program}`);
  const env = { STRATALOG_BROKERS: addresses };
  const run = new RunningProgram("sh", ["-c", script], { cwd, env });
  run.child.stdin?.end();
  const { code, stdout, stderr } = await run.finished;
  expect({ command, code, stderr }).toMatchObject({ command, code: 0 });
  if (!/produce|> /.test(command)) expect(stdout).not.toBe("");
  return stdout;
}

describe("npm start", () => {
  it("takes the tour and ends with 0 when every comparison held", async () => {
    const run = new RunningProgram("npm", [
      "start",
      "--",
      "--exit",
      "--data",
      join(folder, "tour"),
    ]);
    const { code, stdout } = await run.finished;
    expect(stdout).toMatch(/All \d+ comparisons held/);
    expect(code).toBe(0);
  }, 180_000);
});
