import type { SourceTree, Violation } from "../source-tree.ts";

/**
 * Words that must not be committed, and why. The patterns are split so that this file does not
 * match itself.
 */
const BANNED_WORDS: readonly (readonly [RegExp, string, RegExp])[] = [
  [
    new RegExp(`\\b(?:FIX${"ME"}|XX${"X"}|TO${"DO"})\\b`),
    "unfinished work is named in the README's limits",
    /\.(?:ts|mjs|js)$/,
  ],
  [
    new RegExp(`\\b(?:it|test|describe)\\.(?:on${"ly"}|sk${"ip"}|to${"do"})\\(`),
    "no test is switched off or alone",
    /\.ts$/,
  ],
  [
    new RegExp(`(?:^|[\\s"'\`(=:])/(?:wo${"rk"}|ro${"ot"}|ho${"me"})/`),
    "a path of one machine",
    /./,
  ],
  [
    new RegExp(`regis${"try"}\\.(?:npm${"js"}|yarn${"pkg"})|deb\\.deb${"ian"}\\.org`),
    "an address of a package registry",
    /./,
  ],
];

/** No unfinished words, no lonely tests, nothing that speaks of one machine. */
export function checkWords(tree: SourceTree): readonly Violation[] {
  return tree.files.flatMap(({ path, text }) => {
    const patterns = BANNED_WORDS.filter(([, , files]) => files.test(path));
    return text.split("\n").flatMap((line, index) =>
      patterns
        .filter(([pattern]) => pattern.test(line))
        .map(([pattern, why]) => ({
          path,
          line: index + 1,
          problem: `${pattern.exec(line)?.[0].trim()}: ${why}`,
        })),
    );
  });
}
