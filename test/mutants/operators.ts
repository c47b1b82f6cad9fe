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
/** The same to an element too, made by nothing but arithmetic and constructors. */
const PURE_ASSIGNMENT =
  /^\s+([\w.#]+)(?:\[[\w.#]+\])?(?:(?:\+\+|--);| [-+]?= (?:(?!await)[^(]|(?<=\bnew \w+|Math\.\w+)\()*;)$/;

/** Which pairs of neighbours are no mutants when they are swapped, besides what always holds. */
export interface MutantPolicy {
  /** Also assignments by arithmetic and constructors that name nothing of each other. */
  readonly sparesPureSwaps: boolean;
}

const PLAIN: MutantPolicy = { sparesPureSwaps: false };

/**
 * Every mutant of a file: tokens swapped, statements dropped, neighbours swapped. Types and
 * comments are spared.
 */
export function mutantsOf(
  path: string,
  text: string,
  policy: MutantPolicy = PLAIN,
): readonly Mutant[] {
  const code = blankComments(text);
  const lines = text.split("\n");
  const found: Mutant[] = [];
  let position = 0;
  lines.forEach((line, index) => {
    const bare = code.slice(position, position + line.length);
    if (!UNOBSERVABLE.test(line) && bare.trim() !== "") {
      found.push(...swapsIn(path, { line, bare, position, number: index + 1 }));
      const place = { line, position, number: index + 1, next: lines[index + 1] };
      found.push(...dropsIn(path, place, policy));
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
  policy: MutantPolicy,
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
  if (policy.sparesPureSwaps && arePure(line, next)) return [dropped];
  const swapped = {
    id: `${path}:${number} swapped with the next "${line.trim()}"`,
    path,
    find: `${line}\n${next}`,
    replace: `${next}\n${line}`,
    position,
  };
  return [dropped, swapped];
}

/** Fills a field of a format: fields do not overlap, so their order is nobody's. */
const FIELD_WRITE = /^\s+write(?:Uint|Int)\d+\(/;

/** Whether the order of two statements cannot matter: neither reads or writes what the other sets. */
function commute(line: string, next: string): boolean {
  if (FIELD_WRITE.test(line) && FIELD_WRITE.test(next)) return true;
  const [first, second] = [PLAIN_ASSIGNMENT.exec(line), PLAIN_ASSIGNMENT.exec(next)];
  if (first?.[1] === undefined || second?.[1] === undefined) return false;
  return !next.includes(first[1]) && !line.includes(second[1]);
}

/** The same for assignments that call nothing with effects; names are compared whole. */
function arePure(line: string, next: string): boolean {
  const targets = [PURE_ASSIGNMENT.exec(line)?.[1], PURE_ASSIGNMENT.exec(next)?.[1]];
  const [first, second] = targets;
  if (first === undefined || second === undefined) return false;
  return !names(next, first) && !names(line, second);
}

function names(text: string, name: string): boolean {
  return text.split(/[^\w.#]+/).some((word) => word === name || word.startsWith(`${name}.`));
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
