import type { SourceTree, Violation } from "../source-tree.ts";

/**
 * Every package has a README, every page one title, every third-party dependency a reason, every
 * version is exact.
 */
export function checkDocuments(
  tree: SourceTree,
  packages: readonly string[],
): readonly Violation[] {
  return [...checkReadmes(tree, packages), ...checkTitles(tree), ...checkCatalog(tree)];
}

function checkReadmes(tree: SourceTree, packages: readonly string[]): readonly Violation[] {
  const paths = new Set(tree.files.map((file) => file.path));
  return packages
    .map((name) => `packages/${name}/README.md`)
    .filter((path) => !paths.has(path))
    .map((path) => ({ path, problem: "missing: each package says what it is" }));
}

function checkTitles(tree: SourceTree): readonly Violation[] {
  return tree.files
    .filter(({ path }) => path.endsWith(".md"))
    .flatMap(({ path, text }) => {
      const prose = text.replace(/```[\s\S]*?```/g, "");
      const titles = prose.split("\n").filter((line) => line.startsWith("# ")).length;
      return titles === 1 ? [] : [{ path, problem: `${titles} titles; a page has one` }];
    });
}

function checkCatalog(tree: SourceTree): readonly Violation[] {
  const workspace = tree.files.find(({ path }) => path === "pnpm-workspace.yaml");
  const architecture = tree.files.find(({ path }) => path === "ARCHITECTURE.md");
  if (workspace === undefined) return [{ path: "pnpm-workspace.yaml", problem: "missing" }];
  const catalog = /\ncatalog:\n((?: {2}.*\n)+)/.exec(workspace.text)?.[1] ?? "";
  return catalog.split("\n").flatMap((line) => {
    const entry = /^ {2}"?([@\w/.-]+)"?: (.+)$/.exec(line);
    if (entry === null) return [];
    const [, name = "", version = ""] = entry;
    const violations: Violation[] = [];
    if (!/^\d+\.\d+\.\d+$/.test(version)) {
      violations.push({
        path: workspace.path,
        problem: `${name}: ${version} is not an exact version`,
      });
    }
    if (architecture?.text.includes(`\`${name}\``) !== true) {
      violations.push({ path: "ARCHITECTURE.md", problem: `gives no reason for \`${name}\`` });
    }
    return violations;
  });
}
