/**
 * The tidy rules are tested by planting one violation each in a small invented repository: a rule
 * that stays silent
 * here guards nothing.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkCores } from "./rules/core-rule.ts";
import { checkDocuments } from "./rules/documents-rule.ts";
import { checkDoors } from "./rules/doors-rule.ts";
import { checkLayers } from "./rules/layers-rule.ts";
import { checkReach } from "./rules/reach-rule.ts";
import { checkShape } from "./rules/shape-rule.ts";
import { checkSimulator } from "./rules/simulator-rule.ts";
import { checkWords } from "./rules/words-rule.ts";
import { blankComments, importsOf, type SourceTree, type Violation } from "./source-tree.ts";

const layers = { base: [], log: ["base"] };

function manifest(name: string, dependencies: Record<string, string> = {}): string {
  return JSON.stringify({ name, dependencies });
}

function repository(changes: Record<string, string | undefined> = {}): SourceTree {
  const files: Record<string, string | undefined> = {
    "packages/base/package.json": manifest("@stratalog/base"),
    "packages/base/tsconfig.json": JSON.stringify({ references: [] }),
    "packages/base/src/index.ts": 'export { a } from "./a.ts";\n',
    "packages/base/src/a.ts": "export const a = 1;\n",
    "packages/log/package.json": manifest("@stratalog/log", { "@stratalog/base": "workspace:*" }),
    "packages/log/tsconfig.json": JSON.stringify({ references: [{ path: "../base" }] }),
    "packages/log/src/index.ts": 'import { a } from "@stratalog/base";\nexport const b = a;\n',
    "packages/log/src/core/pure.ts": "export const c = 1;\n",
    "packages/log/src/core/pure.test.ts": 'import "./pure.ts";\n',
    ...changes,
  };
  return {
    files: Object.entries(files).flatMap(([path, text]) =>
      text === undefined ? [] : [{ path, text }],
    ),
  };
}

const problems = (violations: readonly Violation[]): readonly string[] =>
  violations.map(({ path, problem }) => `${path}: ${problem}`);

describe("the layers rule", () => {
  const check = (changes?: Record<string, string | undefined>): readonly string[] =>
    problems(checkLayers(repository(changes), layers));

  it("is silent about a tidy repository", () => {
    expect(check()).toEqual([]);
  });

  it("finds an undeclared and an extra dependency", () => {
    expect(check({ "packages/log/package.json": manifest("@stratalog/log") })[0]).toContain(
      "does not depend on",
    );
    const extra = manifest("@stratalog/base", { "@stratalog/log": "workspace:*" });
    expect(check({ "packages/base/package.json": extra })[0]).toContain("does not list");
  });

  it("finds a loose version, a wrong name, a missing manifest and a wrong reference", () => {
    const loose = manifest("@stratalog/base", { left: "^1.0.0" });
    expect(check({ "packages/base/package.json": loose })[0]).toContain("catalog");
    expect(check({ "packages/base/package.json": manifest("base") })[0]).toContain("name must be");
    expect(check({ "packages/base/package.json": undefined })[0]).toContain("missing");
    expect(check({ "packages/log/tsconfig.json": "{}" })[0]).toContain(
      "references must be ../base",
    );
  });

  it("finds imports against the arrows, by deep path and across folders", () => {
    const path = "packages/base/src/a.ts";
    expect(check({ [path]: 'import "@stratalog/log";\n' })[0]).toContain("may not import log");
    const deep = { "packages/log/src/index.ts": 'import "@stratalog/base/src/a.ts";\n' };
    expect(check(deep)[0]).toContain("by name");
    const reaching = { "packages/log/src/index.ts": 'import "../../base/src/a.ts";\n' };
    expect(check(reaching)[0]).toContain("reaches into another package");
  });

  it("finds a ring in the table itself", () => {
    const ring = { base: ["log"], log: ["base"] };
    expect(problems(checkLayers(repository(), ring))[0]).toContain("only name packages above it");
  });
});

describe("the core rule", () => {
  const check = (text: string): readonly string[] =>
    problems(
      checkCores(
        repository({ "packages/log/src/core/pure.ts": text }),
        new Set(["@stratalog/base"]),
      ),
    );

  it.each([
    ["const t = Date.now();", "Date"],
    ["const r = Math.random();", "Math.random"],
    ["export async function f() {}", "async"],
    ["let p: Promise<void>;", "Promise"],
    ["setTimeout(f, 1);", "setTimeout"],
    ["process.exit(1);", "process."],
    ['import { readFile } from "node:fs";', "may not import node:fs"],
    ['import "../io/file.ts";', "may not import ../io/file.ts"],
    ['import pino from "pino";', "may not import pino"],
  ])("finds %s", (text, expected) => {
    expect(check(`${text}\n`)[0]).toContain(expected);
  });

  it("allows comments, strings, cores, ports and workspace packages", () => {
    const text = [
      "// A Promise, a Date and Math.random() in a comment.",
      'const words = "await Promise";',
      'import { a } from "@stratalog/base";',
      'import { b } from "./b.ts";',
      'import type { C } from "../ports/c.ts";',
    ];
    expect(check(text.join("\n"))).toEqual([]);
  });
});

describe("the doors rule", () => {
  const check = (path: string, text: string): readonly string[] =>
    problems(checkDoors(repository({ [path]: text })));

  it.each([
    ["setTimeout(f, 1);", "Timers port"],
    ["const t = Date.now();", "Clock port"],
    ["const r = Math.random();", "Random port"],
    ['import fs from "node:fs/promises";', "FileSystem port"],
    ['import net from "node:net";', "PeerLink port"],
    ['import grpc from "@grpc/grpc-js";', "service port"],
    ['import { fork } from "node:child_process";', "start processes"],
    ["console.log(1);", "Logger port"],
  ])("finds %s", (text, expected) => {
    expect(check("packages/log/src/io/x.ts", `${text}\n`)[0]).toContain(expected);
  });

  it("lets the adapters through", () => {
    expect(check("packages/base/src/node/machine-timers.ts", "setTimeout(f, 1);\n")).toEqual([]);
  });
});

describe("the other rules", () => {
  it("bound the length of files and lines and ask for telling names", () => {
    const check = (path: string, text: string): readonly string[] =>
      problems(checkShape(repository({ [path]: text })));
    expect(check("packages/log/src/long.ts", "x;\n".repeat(401))[0]).toContain("401 lines");
    expect(check("packages/log/src/long.ts", "x;\n".repeat(400))).toEqual([]);
    expect(check("packages/log/src/wide.ts", `${"x".repeat(101)}\n`)[0]).toContain("wider");
    expect(check("packages/log/src/BadName.ts", "x;\n")[0]).toContain("kebab-case");
    expect(check("packages/log/src/log-utils.ts", "x;\n")[0]).toContain("says nothing");
  });

  it("find unfinished words, lonely tests and paths of one machine", () => {
    const check = (text: string): readonly string[] =>
      problems(checkWords(repository({ "packages/log/src/words.ts": text })));
    expect(check(`// TO${"DO"} later`)).toHaveLength(1);
    expect(check(`it.on${"ly"}("x", f);`)).toHaveLength(1);
    expect(check(`const p = "/wo${"rk"}/main";`)).toHaveLength(1);
    expect(check("const method = 1;")).toEqual([]);
  });

  it("find dead files and test support that leaks into the product", () => {
    const check = (changes: Record<string, string>): readonly string[] =>
      problems(checkReach(repository(changes)));
    expect(check({})).toEqual([]);
    expect(check({ "packages/log/src/dead.ts": "x;\n" })[0]).toContain("no file imports");
    expect(check({ "packages/base/src/a.ts": 'import "@stratalog/log/testing";\n' })[0]).toContain(
      "for tests",
    );
  });

  it("find a second implementation of the product in the simulator", () => {
    const check = (text: string): readonly string[] =>
      problems(checkSimulator(repository({ "packages/simulator/src/x.ts": text })));
    expect(check("class FakeBroker {}")[0]).toContain("simulate the world");
    expect(check("class SimNetwork {}")).toEqual([]);
  });

  it("find a missing README, two titles, a loose version and a dependency without a reason", () => {
    const good = {
      "packages/base/README.md": "# base\n",
      "packages/log/README.md": "# log\n",
      "ARCHITECTURE.md": "# A\n\n`level`\n",
      "pnpm-workspace.yaml": "packages:\n\ncatalog:\n  level: 10.0.0\n",
    };
    const check = (changes: Record<string, string | undefined>): readonly string[] =>
      problems(checkDocuments(repository({ ...good, ...changes }), ["base", "log"]));
    expect(check({})).toEqual([]);
    expect(check({ "packages/log/README.md": undefined })[0]).toContain("missing");
    expect(check({ "packages/log/README.md": "# a\n\n# b\n" })[0]).toContain("2 titles");
    expect(check({ "pnpm-workspace.yaml": "\ncatalog:\n  level: ^10.0.0\n" })[0]).toContain(
      "exact",
    );
    expect(check({ "ARCHITECTURE.md": "# A\n" })[0]).toContain("no reason");
  });
});

describe("reading source", () => {
  it("blanks comments and strings but keeps lines", () => {
    const text = 'a; // b\n"c\\"d" /* e\nf */ g';
    const blanked = blankComments(text);
    expect(blanked.length).toBe(text.length);
    expect(blanked.replace(/ +/g, " ")).toBe('a; \n" " \n g');
    expect(blankComments("const quote = /[\"']/; Date")).toContain("Date");
  });

  it("finds imports of every form with their lines", () => {
    const text =
      'import a from "a";\nimport type { B } from "./b.ts";\nexport * from "c";\nimport "d";\nawait import("e");\n';
    const found = importsOf({ path: "x.ts", text });
    expect(found.map(({ specifier, line }) => [specifier, line])).toEqual([
      ["a", 1],
      ["./b.ts", 2],
      ["c", 3],
      ["d", 4],
      ["e", 5],
    ]);
  });
});

describe("the linter", () => {
  it("refuses a function of more than 70 lines", () => {
    const folder = mkdtempSync(join(tmpdir(), "stratalog-tidy-"));
    const root = new URL("../..", import.meta.url).pathname;
    try {
      const body = "  x();\n".repeat(71);
      writeFileSync(
        join(folder, "long.ts"),
        `declare function x(): void;\nexport function long(): void {\n${body}}\n`,
      );
      const run = (): string =>
        execFileSync(
          join(root, "node_modules/.bin/oxlint"),
          ["-c", join(root, ".oxlintrc.json"), folder],
          {
            encoding: "utf8",
            stdio: ["ignore", "pipe", "pipe"],
          },
        );
      expect(run).toThrow();
      writeFileSync(join(folder, "long.ts"), "export const short = 1;\n");
      expect(run()).toContain("0 errors");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
