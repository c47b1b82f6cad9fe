import { z } from "zod";

/** Environment variables and flags are text; whole numbers and truth values are read out of it. */
export function scalarOf(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const text = value.trim();
  if (/^-?\d+$/.test(text)) return Number(text);
  if (text === "true") return true;
  if (text === "false") return false;
  return value;
}

/** A list may be written as one text with commas. */
export function listOf(value: unknown): unknown {
  if (typeof value !== "string") return value;
  return value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

/** A name made of digits is a number in YAML; it was meant as text. */
function textOf(value: unknown): unknown {
  return typeof value === "number" ? String(value) : value;
}

/** A whole number in a range. */
export function whole(min: number, max: number) {
  return z.preprocess(scalarOf, z.int().min(min).max(max));
}

/** A text that is not empty. */
export function text() {
  return z.preprocess(textOf, z.string().min(1).max(1024));
}
