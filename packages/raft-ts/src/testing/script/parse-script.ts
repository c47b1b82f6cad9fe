/** One argument of a command: `key`, `key=value` or `key=(value,value)`. */
export interface ScriptArgument {
  readonly key: string;
  readonly values: readonly string[];
}

/** One command of a script with the output that it must have. */
export interface ScriptCase {
  /** Line of the command in its file, from 1. */
  readonly line: number;
  readonly command: string;
  readonly args: readonly ScriptArgument[];
  /** Lines between the command and `----`. */
  readonly input: string;
  readonly expected: string;
  /** Lines of the expected output with the rulers around it, from 0, the end exclusive. */
  readonly outputLines: { readonly start: number; readonly end: number };
}

/** A script that is not in the language; names the line. */
export class ScriptSyntaxError extends Error {
  override readonly name = "ScriptSyntaxError";

  constructor(line: number, problem: string) {
    super(`line ${line}: ${problem}`);
  }
}

/**
 * Reads a script:
 *
 *     # a comment
 *     command arg key=value list=(1,2)
 *     input, any number of lines
 *     ----
 *     expected output, up to a blank line
 *
 * Output that holds blank lines stands between two lines of `----` and two more.
 */
export function parseScript(text: string): readonly ScriptCase[] {
  const reader = new LineReader(text);
  const cases: ScriptCase[] = [];
  for (;;) {
    const line = reader.next();
    if (line === undefined) return cases;
    if (line.trim() === "" || line.startsWith("#")) continue;
    cases.push(parseCase(reader, line));
  }
}

class LineReader {
  readonly #lines: readonly string[];
  position = 0;

  constructor(text: string) {
    const lines = text.split("\n");
    if (lines.at(-1) === "") lines.pop();
    this.#lines = lines;
  }

  next(): string | undefined {
    const line = this.#lines[this.position];
    if (line !== undefined) this.position++;
    return line;
  }

  peek(): string | undefined {
    return this.#lines[this.position];
  }
}

function parseCase(reader: LineReader, first: string): ScriptCase {
  const line = reader.position;
  let header = first;
  while (header.endsWith("\\")) header = `${header.slice(0, -1)} ${reader.next() ?? ""}`;
  const [command, ...args] = splitWords(header, line).map((word) => parseArgument(word));
  if (command === undefined) throw new ScriptSyntaxError(line, "a command is missing");
  const input: string[] = [];
  for (;;) {
    const next = reader.next();
    if (next === undefined) throw new ScriptSyntaxError(line, "no ---- after this command");
    if (next === "----") break;
    input.push(next);
  }
  const start = reader.position;
  const expected = readExpected(reader, line);
  const end = reader.position;
  return {
    line,
    command: command.key,
    args,
    input: input.join("\n"),
    expected,
    outputLines: { start, end },
  };
}

/** Whether an output must stand between doubled rulers: a blank line would end it. */
export function needsRulers(output: string): boolean {
  return output.startsWith("\n") || output.includes("\n\n");
}

function readExpected(reader: LineReader, line: number): string {
  const output: string[] = [];
  if (reader.peek() !== "----") {
    // The blank line that ends an output is not part of it.
    for (let next = reader.peek(); next !== undefined && next !== ""; next = reader.peek()) {
      output.push(next);
      reader.next();
    }
    return joinLines(output);
  }
  reader.next();
  for (;;) {
    const next = reader.next();
    if (next === undefined) throw new ScriptSyntaxError(line, "output is not closed by ----");
    if (next === "----" && reader.peek() === "----") {
      reader.next();
      return joinLines(output);
    }
    output.push(next);
  }
}

function joinLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

/** Splits at blanks that stand outside of parentheses. */
function splitWords(header: string, line: number): readonly string[] {
  const words: string[] = [];
  let word = "";
  let depth = 0;
  for (const char of header) {
    if (char === "(") depth++;
    if (char === ")") depth--;
    if (/\s/.test(char) && depth === 0) {
      if (word !== "") words.push(word);
      word = "";
    } else {
      word += char;
    }
  }
  if (depth !== 0) throw new ScriptSyntaxError(line, "parentheses do not match");
  if (word !== "") words.push(word);
  return words;
}

function parseArgument(word: string): ScriptArgument {
  const equals = word.indexOf("=");
  if (equals < 0) return { key: word, values: [] };
  const key = word.slice(0, equals);
  const value = word.slice(equals + 1);
  if (!value.startsWith("(") || !value.endsWith(")")) return { key, values: [value] };
  const inner = value.slice(1, -1).trim();
  const values = inner === "" ? [] : inner.split(/[,\s]+/).filter((one) => one !== "");
  return { key, values };
}
