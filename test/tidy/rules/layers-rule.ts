import { npmNameOf } from "../layers.ts";
import {
  importsOf,
  packageOf,
  type SourceTree,
  typescriptFiles,
  type Violation,
} from "../source-tree.ts";

type Layers = Readonly<Record<string, readonly string[]>>;

interface Manifest {
  readonly name?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/**
 * Each package's manifest, project references and imports must equal its row of the layer table;
 * no cycles.
 */
export function checkLayers(tree: SourceTree, layers: Layers): readonly Violation[] {
  return [
    ...checkRows(layers),
    ...Object.entries(layers).flatMap(([name, row]) => checkManifest(tree, name, row)),
    ...Object.entries(layers).flatMap(([name, row]) => checkReferences(tree, name, row)),
    ...checkImports(tree, layers),
  ];
}

/**
 * Every row names packages that stand above it in the table: no arrow can point down, so none can
 * close a ring.
 */
function checkRows(layers: Layers): readonly Violation[] {
  const order = Object.keys(layers);
  return order.flatMap((name, index) =>
    (layers[name] ?? [])
      .filter((other) => !order.slice(0, index).includes(other))
      .map((other) => ({
        path: "scripts/layers.json",
        problem: `${name} -> ${other}: a row may only name packages above it`,
      })),
  );
}

function checkManifest(
  tree: SourceTree,
  name: string,
  row: readonly string[],
): readonly Violation[] {
  const path = `packages/${name}/package.json`;
  const file = tree.files.find((candidate) => candidate.path === path);
  if (file === undefined) return [{ path, problem: "missing: the layer table has this package" }];
  const manifest = JSON.parse(file.text) as Manifest;
  const declared = Object.entries(manifest.dependencies ?? {})
    .filter(([, version]) => version.startsWith("workspace:"))
    .map(([dependency]) => dependency);
  const wanted = row.map(npmNameOf);
  const violations: Violation[] = [];
  if (manifest.name !== npmNameOf(name)) {
    violations.push({ path, problem: `name must be ${npmNameOf(name)}` });
  }
  for (const dependency of declared.filter((entry) => !wanted.includes(entry))) {
    violations.push({
      path,
      problem: `depends on ${dependency}, which its layer row does not list`,
    });
  }
  for (const dependency of wanted.filter((entry) => !declared.includes(entry))) {
    violations.push({
      path,
      problem: `does not depend on ${dependency}, which its layer row lists`,
    });
  }
  const loose = {
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.devDependencies,
  };
  for (const [dependency, version] of Object.entries(loose)) {
    if (version !== "catalog:" && !version.startsWith("workspace:")) {
      violations.push({ path, problem: `${dependency} must take its version from the catalog` });
    }
  }
  return violations;
}

function checkReferences(
  tree: SourceTree,
  name: string,
  row: readonly string[],
): readonly Violation[] {
  const path = `packages/${name}/tsconfig.json`;
  const file = tree.files.find((candidate) => candidate.path === path);
  if (file === undefined) return [{ path, problem: "missing" }];
  const { references = [] } = JSON.parse(file.text) as { references?: readonly { path: string }[] };
  const found = references
    .map((reference) => reference.path)
    .filter((entry) => entry.startsWith("../"));
  const wanted = row.map((other) => `../${other}`);
  if (found.toSorted().join() === wanted.toSorted().join()) return [];
  return [{ path, problem: `references must be ${wanted.join(", ") || "none"}` }];
}

function checkImports(tree: SourceTree, layers: Layers): readonly Violation[] {
  const names = Object.keys(layers);
  const npmNames = new Map(names.map((name) => [npmNameOf(name), name]));
  return typescriptFiles(tree).flatMap((file) => {
    const from = packageOf(file.path);
    if (from === undefined) return [];
    return importsOf(file).flatMap(({ specifier, line }) => {
      if (specifier.startsWith(".")) return checkRelative(file.path, specifier, line, from);
      const root = specifier.startsWith("@")
        ? specifier.split("/").slice(0, 2).join("/")
        : specifier.split("/")[0];
      const target = npmNames.get(root ?? "");
      if (target === undefined || target === from) return [];
      const rest = specifier.slice((root ?? "").length);
      if (rest !== "" && rest !== "/testing") {
        return [
          {
            path: file.path,
            line,
            problem: `${specifier}: import packages by name or their /testing door`,
          },
        ];
      }
      if ((layers[from] ?? []).includes(target)) return [];
      return [{ path: file.path, line, problem: `${from} may not import ${target}` }];
    });
  });
}

function checkRelative(
  path: string,
  specifier: string,
  line: number,
  from: string,
): readonly Violation[] {
  const resolved = new URL(specifier, `file:///${path}`).pathname.slice(1);
  if (packageOf(resolved) === from || !resolved.startsWith("packages/")) return [];
  return [{ path, line, problem: `${specifier} reaches into another package; import it by name` }];
}
