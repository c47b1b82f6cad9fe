import type { Command } from "commander";
import { describe, expect, it, vi } from "vitest";
import type { CommandContext } from "./commands/command-context.ts";
import { createProgram } from "./program.ts";

function program() {
  const lines: string[] = [];
  const errors: string[] = [];
  const context: CommandContext = {
    output: {
      line: (text) => lines.push(text),
      note: (text) => errors.push(text),
      progress: () => {},
    },
    signal: new AbortController().signal,
    force: new AbortController().signal,
    setExitCode: () => {},
  };
  const root = createProgram(context);
  for (const command of everyCommand(root)) {
    command.configureOutput({
      writeOut: (text) => lines.push(text),
      writeErr: (text) => errors.push(text),
    });
  }
  return { root, lines, errors };
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

const leaves = everyCommand(program().root).filter(({ commands }) => commands.length === 0);

describe("the command line", () => {
  it.each(leaves.map(pathOf))("%s explains itself with examples", async (path) => {
    const { root, lines } = program();
    const names = path.split(" ").slice(1);
    await expect(root.parseAsync([...names, "--help"], { from: "user" })).rejects.toMatchObject({
      exitCode: 0,
    });
    const text = lines.join("");
    expect(text).toContain("Examples:");
    expect(text).toContain(`  ${path}`);
  });

  it.each([
    [["fly"], "unknown command"],
    [["dev", "--brokers", "0"], "whole number from 1 to 9"],
    [["dev", "--exit"], "belong to --tour"],
    [["broker", "--bogus"], "unknown option"],
  ])("refuses %j before doing anything", async (args, expected) => {
    const { root, errors } = program();
    await expect(root.parseAsync(args, { from: "user" })).rejects.toMatchObject({ exitCode: 1 });
    expect(errors.join("")).toContain(expected);
  });
});

describe("completion", () => {
  it.each([
    [["topic", "cr"], "create"],
    [["topic", "create", "--part"], "--partitions"],
    [["topic", "list", "--output", ""], "json"],
  ])("answers %j with what could come next", async (words, expected) => {
    const answers: string[] = [];
    const spy = vi.spyOn(console, "log").mockImplementation((text) => answers.push(String(text)));
    try {
      await program().root.parseAsync(["complete", "--", ...words], { from: "user" });
    } finally {
      spy.mockRestore();
    }
    expect(answers.join("\n")).toContain(expected);
  });
});
