/**
 * Lines that report to a log and may differ in every way. They stand wherever the replica wrote
 * them, so indented too.
 */
const LOG_LINE = /^\s*(DEBUG|INFO|WARN) /;

/** Output without log lines; `ok` where nothing else was there. */
export function withoutLogLines(output: string): string {
  const kept = output.split("\n").filter((line) => !LOG_LINE.test(line));
  const text = kept.join("\n");
  if (text.trim() === "") return "ok\n";
  return text.endsWith("\n") ? text : `${text}\n`;
}

/**
 * Lines of both texts, `-` for what is only expected, `+` for what is only there; `undefined` when
 * they are equal.
 */
export function diffLines(expected: string, actual: string): string | undefined {
  if (expected === actual) return undefined;
  const left = expected.replace(/\n$/, "").split("\n");
  const right = actual.replace(/\n$/, "").split("\n");
  const lengths = commonLengths(left, right);
  const lines: string[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) {
      lines.push(`  ${left[i]}`);
      i++;
      j++;
    } else if (
      j >= right.length ||
      (i < left.length && at(lengths, i + 1, j) >= at(lengths, i, j + 1))
    ) {
      lines.push(`- ${left[i]}`);
      i++;
    } else {
      lines.push(`+ ${right[j]}`);
      j++;
    }
  }
  return lines.join("\n");
}

/** lengths[i][j]: how many lines are common to left[i..] and right[j..], in order. */
function commonLengths(left: readonly string[], right: readonly string[]): number[][] {
  const lengths = Array.from({ length: left.length + 1 }, () =>
    Array.from({ length: right.length + 1 }, () => 0),
  );
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      const row = lengths[i];
      if (row === undefined) continue;
      row[j] =
        left[i] === right[j]
          ? at(lengths, i + 1, j + 1) + 1
          : Math.max(at(lengths, i + 1, j), at(lengths, i, j + 1));
    }
  }
  return lengths;
}

function at(lengths: readonly (readonly number[])[], i: number, j: number): number {
  return lengths[i]?.[j] ?? 0;
}
