import { readSourceTree } from "../tidy/source-tree.ts";
import { repositoryRoot } from "../skips.ts";

/** A command that a page tells its reader to run. */
export interface ToldCommand {
  readonly page: string;
  readonly command: string;
  /** In a block of its own, or inside a sentence. */
  readonly where: "block" | "sentence";
}

const SHELLS = new Set(["sh", "console", "bash", "shell", "powershell"]);
const PROGRAMS = "npm|npx|node|strata|docker|docker-compose|git";
const LINE = new RegExp(`^(?:[A-Z_]+=\\S+ )*(?:${PROGRAMS}|echo|printf)\\b`);
/** A sentence names a command, with a program that is run and something to do. */
const INLINE = new RegExp(`(?<!\`)\`((?:[A-Z_]+=\\S+ )*(?:${PROGRAMS}) [^\`\\n]+)\`(?!\`)`, "g");

/** Pages for readers: all of the repository's Markdown but what is kept as a record. */
export function pages(): readonly { readonly path: string; readonly text: string }[] {
  return readSourceTree(repositoryRoot).files.filter(
    ({ path }) =>
      path.endsWith(".md") &&
      !/^(?:decisions|bench\/results|packages\/[^/]+\/testdata)\//.test(path),
  );
}

/** Blocks of code of a page, with their language or "". */
export function blocksOf(text: string): readonly { language: string; code: string }[] {
  return [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language = "", code = ""]) => ({
    language,
    code,
  }));
}

/** Every command of the pages. */
export function toldCommands(): readonly ToldCommand[] {
  return pages().flatMap(({ path: page, text }) => {
    const lines = blocksOf(text)
      .filter(({ language }) => SHELLS.has(language))
      .flatMap(({ code }) => code.trim().split("\n"))
      .map((line) => line.replace(/\s+#.*$/, "").trim())
      .filter((line) => line !== "" && !line.startsWith("#"));
    const prose = text.replaceAll(/^```[^]*?^```$/gm, "");
    const inline = [...prose.matchAll(INLINE)].map(([, command = ""]) => command);
    return [
      ...lines.map((command) => ({ page, command, where: "block" as const })),
      ...inline.map((command) => ({ page, command, where: "sentence" as const })),
    ];
  });
}

/** Whether a line of a block begins as a command does. */
export function isCommand(line: string): boolean {
  return LINE.test(line);
}
