// Every command that the pages tell their readers to run: a test runs it, or this one shows that
// what it names is there. A command that no rule below knows fails.
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { readFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { loadBrokerConfig, readConfigFile } from "@stratalog/broker";
import { describe, expect, it } from "vitest";
import { readSourceTree } from "../tidy/source-tree.ts";
import { repositoryRoot } from "../skips.ts";
import { blocksOf, isCommand, toldCommands, type ToldCommand } from "./told-commands.ts";

const run = promisify(execFile);
const STRATA = join(repositoryRoot, "packages/cli/bin/strata.js");
/** Pages whose `sh` blocks are run line by line against a cluster of three brokers. */
const RUN_AS_THEY_STAND = "test/tour/readme.test.ts";
const RUN_PAGES = ["README.md", "docs/operations.md"];
const COMPOSE = "test/compose/compose.test.ts";

const told = toldCommands();
const manifest: unknown = JSON.parse(readFileSync(join(repositoryRoot, "package.json"), "utf8"));
// The file is ours.
const { scripts } = manifest as { readonly scripts: Readonly<Record<string, string>> };

/** Commands of a block that another test runs: which lines, and what of the test does it. */
const RUN_ELSEWHERE: readonly (readonly [RegExp, file: string, claim: string])[] = [
  [/^npm start(?: -- --exit.*)?$/, RUN_AS_THEY_STAND, "takes the tour and ends with 0"],
  [/^docker compose (?!-f)|127\.0\.0\.1:9105,127/, COMPOSE, "is used as README tells"],
  [/^docker compose -f|^node cluster\/make-certs/, COMPOSE, "encrypts for host and container"],
  [/^strata broker --config/, "test/integration/broker-process.ts", '"broker", "--config"'],
  [/^strata log verify/, "packages/cli/src/log/run-log.test.ts", "verify"],
  [/^strata log export/, "packages/cli/src/log/run-log.test.ts", "export"],
];

/** What is wrong with a command, or undefined. */
function problemOf({ page, command, where }: ToldCommand): string | undefined {
  if (where === "block" && !isCommand(command)) return "does not begin as a command does";
  const elsewhere = RUN_ELSEWHERE.find(([pattern]) => pattern.test(command));
  if (elsewhere !== undefined) {
    const text = readFileSync(join(repositoryRoot, elsewhere[1]), "utf8");
    return text.includes(elsewhere[2]) ? undefined : `${elsewhere[1]} has no "${elsewhere[2]}"`;
  }
  if (where === "block" && RUN_PAGES.includes(page) && command.includes("npx strata")) {
    const text = readFileSync(join(repositoryRoot, RUN_AS_THEY_STAND), "utf8");
    return text.includes(page) ? undefined : `${RUN_AS_THEY_STAND} does not read ${page}`;
  }
  const words = command.replace(/^(?:[A-Z_]+=\S+ )+/, "").split(" ");
  const [program = "", ...rest] = words;
  if (program === "npm") return problemOfScript(rest);
  if (program === "node") return missing(rest[0]);
  if (program === "strata") return undefined;
  if (program !== "npx") return "nothing runs it";
  if (rest[0] === "vitest") return missing(rest[2]);
  if (rest[0] === "tsx") return missing(rest.find((word) => word.endsWith(".ts")));
  return rest[0] === "strata" ? undefined : "nothing runs it";
}

function missing(path: string | undefined): string | undefined {
  return path !== undefined && existsSync(join(repositoryRoot, path)) ? undefined : "no such file";
}

/** A script of package.json: its program is there and knows the flags. */
function problemOfScript(words: readonly string[]): string | undefined {
  const name = words[0] === "run" ? words[1] : words[0];
  const script = scripts[name ?? ""];
  if (script === undefined) return `no script "${name}"`;
  const program = /[\w/.-]+\.(?:ts|mjs|js)\b/.exec(script)?.[0]?.replace("dist/", "src/");
  if (program === undefined) return undefined;
  const source = program.replace(/\.js$/, ".ts");
  const path = existsSync(join(repositoryRoot, source)) ? source : program;
  if (missing(path) !== undefined) return `${path} is missing`;
  const code = readSourceTree(join(repositoryRoot, dirname(path)))
    .files.map(({ text }) => text)
    .join("\n");
  const flags = words.join(" ").match(/--[a-z][a-z-]+/g) ?? [];
  const unknown = flags.filter((flag) => !knowsFlag(code, flag.slice(2)));
  return unknown.length === 0 ? undefined : `${path} does not know ${unknown.join()}`;
}

/** As an option of util.parseArgs, or as text. */
function knowsFlag(code: string, name: string): boolean {
  const camel = name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  return [`--${name}`, `"${name}"`, `${name}:`, `${camel}:`].some((text) => code.includes(text));
}

describe("the commands that the pages tell", () => {
  it("are many, on many pages", () => {
    expect(told.length).toBeGreaterThan(60);
    expect(new Set(told.map(({ page }) => page)).size).toBeGreaterThan(15);
  });

  it("are run by a test, or name what is there", () => {
    const problems = told.flatMap((one) => {
      const problem = problemOf(one);
      return problem === undefined ? [] : [`${one.page}: ${one.command}: ${problem}`];
    });
    expect(problems).toEqual([]);
  });

  it("name commands of strata that there are", async () => {
    const paths = told
      .flatMap(({ command }) => /(?:^|npx )strata ((?:[a-z-]+ ?){1,2})/.exec(command)?.[1] ?? [])
      .map((path) => path.trim().split(" "))
      .map(([first = "", second]) => (hasParts(first) && second ? [first, second] : [first]));
    const distinct = new Set(paths.map((path) => path.join(" ")));
    expect(distinct.size).toBeGreaterThan(10);
    for (const path of distinct) {
      const { stdout } = await run(process.execPath, [STRATA, ...path.split(" "), "--help"]);
      expect(stdout.replace("group|groups", "group")).toContain(`Usage: strata ${path}`);
    }
  }, 60_000);
});

/** Commands that have commands below them. */
function hasParts(name: string): boolean {
  return ["topic", "group", "dlq", "cluster", "bench", "log", "profile"].includes(name);
}

describe("the guide to operations", () => {
  const guide = readFile(join(repositoryRoot, "docs/operations.md"), "utf8");

  it("has alarms on metrics that a broker exports", async () => {
    // METRICS.md is held to the exported names by test/metrics.
    const path = join(repositoryRoot, "packages/broker/METRICS.md");
    const exported = new Set((await readFile(path, "utf8")).match(/stratalog_\w+/g));
    const named = (await guide).match(/stratalog_\w+/g) ?? [];
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((name) => !exported.has(name))).toEqual([]);
  });

  it("names settings that there are", async () => {
    const path = join(repositoryRoot, "docs/configuration.md");
    const rows = (await readFile(path, "utf8")).matchAll(/^\| `([a-z.]+)`/gm);
    const known = new Set([...rows].map(([, name]) => name));
    const named = [...(await guide).matchAll(/`([a-z]+(?:\.[a-z]+)+)`/g)]
      .map(([, name = ""]) => name)
      .filter((name) => !/\.(?:md|json|yaml|ts)$/.test(name));
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  it("shows a configuration that a broker takes", async () => {
    const [block] = blocksOf(await guide).filter(({ language }) => language === "yaml");
    const directory = await mkdtemp(join(tmpdir(), "stratalog-guide-"));
    const path = join(directory, "broker.yaml");
    await writeFile(path, block?.code ?? "");
    const config = loadBrokerConfig({ file: await readConfigFile(path) });
    await rm(directory, { recursive: true });
    expect(config.seeds).toHaveLength(3);
  });
});
