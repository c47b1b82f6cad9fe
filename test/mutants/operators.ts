import type { SeededRandom } from "@stratalog/base";
import { blankComments } from "../tidy/source-tree.ts";
import type { Mutant } from "./mutant.ts";

/** Tokens that are swapped for their sharp neighbours. */
const SWAPS: readonly (readonly [RegExp, string])[] = [
  [/ <= /g, " < "],
  [/ < /g, " <= "],
  [/ >= /g, " > "],
  [/ > /g, " >= "],
  [/ === /g, " !== "],
  [/ !== /g, " === "],
  [/ && /g, " || "],
  [/ \|\| /g, " && "],
  [/ \+ 1\b/g, ""],
  [/ - 1\b/g, ""],
  [/\btrue\b/g, "false"],
  [/\bfalse\b/g, "true"],
];
/** A statement that fills its line and can go without breaking the syntax. */
const STATEMENT =
  /^(\s+)(?:(?:this\.|super\.)?#?[\w.#?]+(?:\([^{}]*\)|(?:\[[^\]]*\])? (?:[-+|&]?)= [^{}]+|\+\+|--);)$/;
/** Words whose change no run can notice: messages, assertions that hold, declarations of types. */
const UNOBSERVABLE =
  /\bassert\(|^\s*(?:import|export type|export interface|readonly|type|\*|\/\/|\| \{ readonly)/;
/** An assignment or a count that calls nothing: its target, and what it reads. */
const PLAIN_ASSIGNMENT = /^\s+([\w.#]+)(?:(?:\+\+|--);| = ([^(]*);)$/;

/**
 * Every mutant of a file: tokens swapped, statements dropped, neighbours swapped. Types and
 * comments are spared.
 */
export function mutantsOf(path: string, text: string): readonly Mutant[] {
  const code = blankComments(text);
  const lines = text.split("\n");
  const found: Mutant[] = [];
  let position = 0;
  lines.forEach((line, index) => {
    const bare = code.slice(position, position + line.length);
    if (!UNOBSERVABLE.test(line) && bare.trim() !== "") {
      found.push(...swapsIn(path, { line, bare, position, number: index + 1 }));
      found.push(...dropsIn(path, { line, position, number: index + 1, next: lines[index + 1] }));
    }
    position += line.length + 1;
  });
  return found;
}

interface Line {
  readonly line: string;
  readonly bare: string;
  readonly position: number;
  readonly number: number;
}

function swapsIn(path: string, { line, bare, position, number }: Line): readonly Mutant[] {
  return SWAPS.flatMap(([pattern, replace]) =>
    [...bare.matchAll(pattern)].map((match) => {
      const find = line.slice(match.index, match.index + match[0].length);
      return {
        id: `${path}:${number}:${match.index + 1} "${find.trim()}" becomes "${replace.trim()}"`,
        path,
        find,
        replace,
        position: position + match.index,
      };
    }),
  );
}

function dropsIn(
  path: string,
  place: Omit<Line, "bare"> & { readonly next: string | undefined },
): readonly Mutant[] {
  const { line, position, number, next } = place;
  const indent = STATEMENT.exec(line)?.[1];
  if (indent === undefined) return [];
  const dropped = {
    id: `${path}:${number} dropped "${line.trim()}"`,
    path,
    find: line,
    replace: "",
    position,
  };
  const isSwappable = next !== undefined && STATEMENT.exec(next)?.[1] === indent;
  if (!isSwappable || UNOBSERVABLE.test(next) || commute(line, next)) return [dropped];
  const swapped = {
    id: `${path}:${number} swapped with the next "${line.trim()}"`,
    path,
    find: `${line}\n${next}`,
    replace: `${next}\n${line}`,
    position,
  };
  return [dropped, swapped];
}

/** Whether the order of two statements cannot matter: neither reads or writes what the other sets. */
function commute(line: string, next: string): boolean {
  const [first, second] = [PLAIN_ASSIGNMENT.exec(line), PLAIN_ASSIGNMENT.exec(next)];
  if (first?.[1] === undefined || second?.[1] === undefined) return false;
  return !next.includes(first[1]) && !line.includes(second[1]);
}

/** Draws `count` different mutants, the same for the same seed and sources. */
export function drawMutants(
  all: readonly Mutant[],
  count: number,
  random: SeededRandom,
): readonly Mutant[] {
  const pool = [...all];
  const drawn: Mutant[] = [];
  while (drawn.length < count && pool.length > 0) {
    drawn.push(...pool.splice(random.below(pool.length), 1));
  }
  return drawn;
}
