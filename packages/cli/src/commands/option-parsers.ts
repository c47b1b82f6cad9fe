import { InvalidArgumentError } from "commander";

/** A parser of a whole number in [min, max] for commander. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** Collects an option that may be given several times. */
export function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

/** Collects `name=value` options into one record. */
export function collectSetting(
  text: string,
  previous: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const split = text.indexOf("=");
  if (split <= 0) throw new InvalidArgumentError("It must be written name=value.");
  return { ...previous, [text.slice(0, split)]: text.slice(split + 1) };
}
