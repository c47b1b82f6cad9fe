import { describe, expect, it } from "vitest";
import { diffLines, withoutLogLines } from "./compare-output.ts";
import { parseScript, ScriptSyntaxError } from "./parse-script.ts";
import { rewriteScript, runScript } from "./run-script.ts";

describe("a script", () => {
  it("is commands with arguments, input and expected output", () => {
    const text = [
      "# a comment",
      "add-nodes 3 voters=(1,2, 3) index=10",
      "----",
      "ok",
      "",
      "propose-conf-change 1",
      "v4",
      "r2",
      "----",
      "two",
      "lines",
    ].join("\n");
    expect(parseScript(text)).toEqual([
      {
        line: 2,
        command: "add-nodes",
        args: [
          { key: "3", values: [] },
          { key: "voters", values: ["1", "2", "3"] },
          { key: "index", values: ["10"] },
        ],
        input: "",
        expected: "ok\n",
        outputLines: { start: 3, end: 4 },
      },
      {
        line: 6,
        command: "propose-conf-change",
        args: [{ key: "1", values: [] }],
        input: "v4\nr2",
        expected: "two\nlines\n",
        outputLines: { start: 9, end: 11 },
      },
    ]);
  });

  it("may expect blank lines between doubled rulers", () => {
    const [test] = parseScript("a\n----\n----\none\n\ntwo\n----\n----\n\nb\n----\nok\n");
    expect(test?.expected).toBe("one\n\ntwo\n");
  });

  it.each([
    ["a command without a ruler", "stabilize\n"],
    ["an output that is not closed", "a\n----\n----\nx\n"],
    ["parentheses that do not match", "a b=(1\n----\nok\n"],
  ])("is refused for %s", (_, text) => {
    expect(() => parseScript(text)).toThrow(ScriptSyntaxError);
  });

  it("says what it does not understand", () => {
    const { mismatches } = runScript("add-nodes 1\n----\nok\n\ndance 1\n----\nok\n");
    expect(mismatches).toEqual([{ line: 5, command: "dance", diff: "- ok\n+ unknown command" }]);
  });
});

describe("rewriting a script", () => {
  it("replaces the outputs and nothing else", () => {
    const text = [
      "# a comment",
      "add-nodes 2 voters=(1,2) index=5",
      "----",
      "----",
      "wrong",
      "",
      "----",
      "----",
      "",
      "# another",
      "raft-state",
      "----",
      "",
      "dance",
      "----",
      "ok",
      "",
    ].join("\n");
    const rewritten = rewriteScript(text);
    expect(rewritten).toBe(
      [
        "# a comment",
        "add-nodes 2 voters=(1,2) index=5",
        "----",
        "ok",
        "",
        "# another",
        "raft-state",
        "----",
        "1: StateFollower (Voter) Term:0 Lead:0",
        "2: StateFollower (Voter) Term:0 Lead:0",
        "",
        "dance",
        "----",
        "unknown command",
        "",
      ].join("\n"),
    );
    expect(runScript(rewritten).mismatches).toEqual([]);
  });
});

describe("the comparison of outputs", () => {
  it("leaves out log lines, and only those", () => {
    expect(withoutLogLines("INFO a\n  DEBUG b\n> 1 handling Ready\n  WARN c\n")).toBe(
      "> 1 handling Ready\n",
    );
    expect(withoutLogLines("INFO nothing else\n")).toBe("ok\n");
    expect(withoutLogLines("ERROR a\n")).toBe("ERROR a\n");
  });

  it("shows both sides of a difference", () => {
    expect(diffLines("a\nb\nc\n", "a\nx\nc\nd\n")).toBe("  a\n- b\n+ x\n  c\n+ d");
    expect(diffLines("a\n", "a\n")).toBeUndefined();
  });
});
