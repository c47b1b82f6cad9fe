import { codeLines, type SourceTree, type Violation } from "../source-tree.ts";

const NOUNS = [
  "Broker",
  "Coordinator",
  "Controller",
  "Producer",
  "Consumer",
  "PartitionReplica",
  "RaftHost",
  "RaftNode",
  "LogStore",
].join("|");
const PRODUCTION_NOUNS = new RegExp(`\\b(?:class|function)\\s+(?!Sim)\\w*(?:${NOUNS})\\b`);

/**
 * The simulator simulates the world, never the product: it runs the same broker, coordinator and
 * client that ship.
 * A second implementation of one of them there would be what gets tested instead.
 */
export function checkSimulator(tree: SourceTree): readonly Violation[] {
  const files = tree.files.filter(({ path }) => /^packages\/simulator\/src\/.*\.ts$/.test(path));
  return files.flatMap((file) =>
    codeLines(file).flatMap((text, index) => {
      const found = PRODUCTION_NOUNS.exec(text)?.[0];
      if (found === undefined) return [];
      return [
        {
          path: file.path,
          line: index + 1,
          problem: `${found}: simulate the world, not the product`,
        },
      ];
    }),
  );
}
