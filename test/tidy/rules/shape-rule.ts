import { packageOf, type SourceTree, typescriptFiles, type Violation } from "../source-tree.ts";

const LINES_MAX = 400;
const TEST_LINES_MAX = 600;
const COLUMNS_MAX = 100;
const VAGUE_NAMES = /^(?:.*-)?(?:utils?|helpers?|manager|common|misc|stuff)\.ts$/;

/** File length, line width and names. Function length is the linter's: `max-lines-per-function`. */
export function checkShape(tree: SourceTree): readonly Violation[] {
  return typescriptFiles(tree).flatMap(({ path, text }) => {
    const lines = text.endsWith("\n") ? text.slice(0, -1).split("\n") : text.split("\n");
    const limit = isTestCode(path) ? TEST_LINES_MAX : LINES_MAX;
    const name = path.slice(path.lastIndexOf("/") + 1);
    const violations: Violation[] = [];
    if (lines.length > limit) {
      violations.push({
        path,
        problem: `${lines.length} lines; at most ${limit}: which noun wants a file?`,
      });
    }
    if (
      !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.(?:test|property\.test|bench))?\.ts$/.test(name) &&
      !name.includes(".config.")
    ) {
      violations.push({ path, problem: "file names are kebab-case" });
    }
    if (VAGUE_NAMES.test(name)) {
      violations.push({ path, problem: "the name says nothing; name the noun that lives here" });
    }
    lines.forEach((line, index) => {
      if (line.length > COLUMNS_MAX && !/https?:\/\/|["'`/]/.test(line)) {
        violations.push({ path, line: index + 1, problem: `wider than ${COLUMNS_MAX} columns` });
      }
    });
    return violations;
  });
}

function isTestCode(path: string): boolean {
  return path.endsWith(".test.ts") || path.includes("/testing/") || packageOf(path) === undefined;
}
