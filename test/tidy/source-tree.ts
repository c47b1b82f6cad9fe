import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";

/** A text file of the repository. `path` is relative to its root, with forward slashes. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

/** What a rule found wrong, and where. */
export interface Violation {
  readonly path: string;
  readonly line?: number;
  readonly problem: string;
}

/** The repository as the rules see it; tests of the rules hand in small invented ones. */
export interface SourceTree {
  readonly files: readonly TextFile[];
}

const SKIPPED_FOLDERS = new Set(["node_modules", "dist", ".git", ".stratalog", "coverage"]);
const TEXT_ENDINGS = [".ts", ".mjs", ".js", ".json", ".md", ".yml", ".yaml", ".proto", ".txt"];
const TEXT_NAMES = new Set(["run", "Dockerfile", ".npmrc", ".gitignore"]);
/** Larger files are data, not source. */
const FILE_SIZE_MAX_BYTES = 256 * 1024;

/**
 * Reads every tracked or new text file; without git, every file outside the folders that builds
 * make.
 */
export function readSourceTree(root: string): SourceTree {
  const paths = listWithGit(root) ?? listByWalking(root, root);
  const files = paths
    .filter((path) => isText(path) && existsSync(join(root, path)))
    .filter((path) => statSync(join(root, path)).size <= FILE_SIZE_MAX_BYTES)
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
  return { files };
}

function isText(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return TEXT_NAMES.has(name) || TEXT_ENDINGS.some((ending) => name.endsWith(ending));
}

function listWithGit(root: string): string[] | undefined {
  if (!existsSync(join(root, ".git"))) return undefined;
  try {
    const output = execFileSync(
      "git",
      ["ls-files", "--cached", "--others", "--exclude-standard", "-z"],
      {
        cwd: root,
        encoding: "utf8",
        maxBuffer: 64 * 1024 * 1024,
        stdio: ["ignore", "pipe", "ignore"],
      },
    );
    return output.split("\0").filter((path) => path !== "");
  } catch {
    // No git on this machine: the folders are walked instead.
    return undefined;
  }
}

function listByWalking(root: string, folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED_FOLDERS.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return listByWalking(root, path);
    return [relative(root, path).replaceAll("\\", "/")];
  });
}

/** TypeScript that is ours: neither generated nor declarations. */
export function typescriptFiles(tree: SourceTree): readonly TextFile[] {
  return tree.files.filter(
    ({ path }) => path.endsWith(".ts") && !path.endsWith(".d.ts") && !path.includes("/gen/"),
  );
}

/** Source that ships: not tests, not test support. */
export function productionFiles(tree: SourceTree): readonly TextFile[] {
  return typescriptFiles(tree).filter(
    ({ path }) =>
      /^packages\/[^/]+\/src\//.test(path) &&
      !path.endsWith(".test.ts") &&
      !path.includes("/testing/") &&
      !path.startsWith("packages/testing/") &&
      !path.startsWith("packages/simulator/"),
  );
}

/** Name of the package folder that a path lies in. */
export function packageOf(path: string): string | undefined {
  return /^packages\/([^/]+)\//.exec(path)?.[1];
}

/**
 * Lines of a file with comments and the insides of string literals blanked, so that words in them
 * never count.
 */
export function codeLines(file: TextFile): readonly string[] {
  return blankComments(file.text).split("\n");
}

/**
 * Blanks comments and simple string literals, keeping line breaks. Template literals stay: code
 * lives in them.
 * A regular expression literal is skipped whole, so that a quote inside it opens no string.
 */
export function blankComments(text: string): string {
  const pattern =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|(?<=[=(,:!&|?;\n]\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])*\//g;
  return text.replace(pattern, (match) =>
    match.startsWith('"') || match.startsWith("'")
      ? match[0] + " ".repeat(match.length - 2) + match[0]
      : match.replace(/[^\n]/g, " "),
  );
}

/** One import or re-export of a file. */
export interface ImportStatement {
  readonly specifier: string;
  readonly line: number;
  readonly typeOnly: boolean;
}

/** Every static and dynamic import of a file whose target is a literal. */
export function importsOf(file: TextFile): readonly ImportStatement[] {
  const found: ImportStatement[] = [];
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?["']([^"'\n]+)["']|import\(\s*["']([^"'\n]+)["']\s*\)/g;
  for (const match of file.text.matchAll(pattern)) {
    const specifier = match[2] ?? match[3];
    if (specifier === undefined) continue;
    const line = file.text.slice(0, match.index + match[0].length).split("\n").length;
    found.push({ specifier, line, typeOnly: match[1] !== undefined });
  }
  return found;
}
