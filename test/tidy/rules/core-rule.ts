import {
  codeLines,
  importsOf,
  productionFiles,
  type SourceTree,
  type Violation,
} from "../source-tree.ts";

/** What a pure core may not mention, and what to use instead. */
const BANNED_IN_CORE: readonly (readonly [RegExp, string])[] = [
  [/\bDate\b/, "time enters as an argument or through the Clock port"],
  [/\bMath\.random\b/, "randomness enters through the Random port"],
  [/\b(?:async|await)\b/, "a core runs to completion; waiting belongs to the runtime"],
  [/\bPromise\b/, "a core returns values, not promises"],
  [/\b(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b/, "timers belong to the runtime"],
  [/\bprocess\./, "the process belongs to the entry points"],
  [/\b(?:Buffer|performance|crypto)\./, "Node's globals belong to io/ and node/"],
  [/\bconsole\./, "a core never logs"],
];

/**
 * Files under `core/` are pure: no clock, randomness, waiting, I/O, and no imports but cores,
 * ports and packages.
 */
export function checkCores(
  tree: SourceTree,
  workspaceNames: ReadonlySet<string>,
): readonly Violation[] {
  const cores = productionFiles(tree).filter(({ path }) => path.includes("/src/core/"));
  return cores.flatMap((file) => {
    const words = codeLines(file).flatMap((text, index) =>
      BANNED_IN_CORE.filter(([pattern]) => pattern.test(text)).map(([pattern, instead]) => ({
        path: file.path,
        line: index + 1,
        problem: `${pattern.exec(text)?.[0]} in a core: ${instead}`,
      })),
    );
    const imports = importsOf(file).flatMap(({ specifier, line }) => {
      if (isAllowedInCore(file.path, specifier, workspaceNames)) return [];
      return [{ path: file.path, line, problem: `a core may not import ${specifier}` }];
    });
    return [...words, ...imports];
  });
}

function isAllowedInCore(
  path: string,
  specifier: string,
  workspaceNames: ReadonlySet<string>,
): boolean {
  if (!specifier.startsWith(".")) return workspaceNames.has(specifier);
  const target = new URL(specifier, `file:///${path}`).pathname;
  return target.includes("/src/core/") || target.includes("/src/ports/");
}
