import { describe, expect, it } from "vitest";
import { LAYERS, npmNameOf } from "./layers.ts";
import { checkCores } from "./rules/core-rule.ts";
import { checkDocuments } from "./rules/documents-rule.ts";
import { checkDoors } from "./rules/doors-rule.ts";
import { checkLayers } from "./rules/layers-rule.ts";
import { checkReach } from "./rules/reach-rule.ts";
import { checkShape } from "./rules/shape-rule.ts";
import { checkSimulator } from "./rules/simulator-rule.ts";
import { checkWords } from "./rules/words-rule.ts";
import { readSourceTree, type Violation } from "./source-tree.ts";

const root = new URL("../..", import.meta.url).pathname;
const tree = readSourceTree(root);
const packages = Object.keys(LAYERS);

function report(violations: readonly Violation[]): string {
  return violations
    .map(({ path, line, problem }) => `${path}${line === undefined ? "" : `:${line}`} ${problem}`)
    .join("\n");
}

describe("the repository", () => {
  it("has files to look at", () => {
    expect(tree.files.length).toBeGreaterThan(50);
  });

  it("keeps its arrows: manifests, references and imports equal the layer table", () => {
    expect(report(checkLayers(tree, LAYERS))).toBe("");
  });

  it("keeps its cores pure", () => {
    expect(report(checkCores(tree, new Set(packages.map(npmNameOf))))).toBe("");
  });

  it("causes effects only through the doors made for them", () => {
    expect(report(checkDoors(tree))).toBe("");
  });

  it("keeps files short, narrow and well named", () => {
    expect(report(checkShape(tree))).toBe("");
  });

  it("has no unfinished words, lonely tests or paths of one machine", () => {
    expect(report(checkWords(tree))).toBe("");
  });

  it("has no dead files, and test support stays with the tests", () => {
    expect(report(checkReach(tree))).toBe("");
  });

  it("simulates the world and not the product", () => {
    expect(report(checkSimulator(tree))).toBe("");
  });

  it("documents its packages and its dependencies", () => {
    expect(report(checkDocuments(tree, packages))).toBe("");
  });
});
