import {
  importsOf,
  type SourceTree,
  type TextFile,
  typescriptFiles,
  type Violation,
} from "../source-tree.ts";

/** Files that are run or loaded by name rather than imported. */
const ENTRIES = [
  /^packages\/[^/]+\/src\/(?:testing\/)?index\.ts$/,
  /(?:^|\/)main\.ts$/,
  /\.test\.ts$/,
  /\.config\.ts$/,
  /^(?:scripts|bench|test)\//,
  /^packages\/[^/]+\/(?:examples|scripts)\//,
  /^examples\//,
];

/** A source file that nothing reaches is dead; test support is reached from tests only. */
export function checkReach(tree: SourceTree): readonly Violation[] {
  const files = new Map(typescriptFiles(tree).map((file) => [file.path, file]));
  const reached = new Set<string>();
  const queue = [...files.keys()].filter((path) => ENTRIES.some((entry) => entry.test(path)));
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    const file = files.get(path);
    if (file !== undefined) queue.push(...targetsOf(file).filter((target) => files.has(target)));
  }
  const dead = [...files.keys()]
    .filter((path) => !reached.has(path))
    .map((path) => ({ path, problem: "no file imports this one" }));
  return [...dead, ...[...files.values()].flatMap(checkTestingDoor)];
}

function targetsOf(file: TextFile): readonly string[] {
  return importsOf(file)
    .filter(({ specifier }) => specifier.startsWith("."))
    .map(({ specifier }) => new URL(specifier, `file:///${file.path}`).pathname.slice(1));
}

function checkTestingDoor(file: TextFile): readonly Violation[] {
  const mayUseTesting =
    /\.test\.ts$|\/testing\/|^(?:test|bench|scripts)\/|^packages\/(?:simulator|testing)\/|\.config\.ts$/.test(
      file.path,
    );
  if (mayUseTesting) return [];
  return importsOf(file)
    .filter(({ specifier }) => /(?:^|\/)testing(?:\/|$)/.test(specifier))
    .filter(({ specifier }) => specifier !== "@stratalog/testing")
    .map(({ specifier, line }) => ({
      path: file.path,
      line,
      problem: `${specifier}: test support is for tests`,
    }));
}
