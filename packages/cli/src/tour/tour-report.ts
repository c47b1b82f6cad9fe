import type { Output } from "../output/output.ts";

const DIFFERENCES_SHOWN = 5;

/** One number worth keeping. */
export interface Figure {
  readonly name: string;
  readonly value: string;
}

/** What the tour says, and whether every comparison held. */
export class TourReport {
  readonly #output: Output;
  readonly #stepCount: number;
  readonly #figures: Figure[] = [];
  #heldCount = 0;
  #failedCount = 0;
  #step = 0;

  constructor(output: Output, stepCount: number) {
    this.#output = output;
    this.#stepCount = stepCount;
  }

  get figures(): readonly Figure[] {
    return this.#figures;
  }

  get heldCount(): number {
    return this.#heldCount;
  }

  get failedCount(): number {
    return this.#failedCount;
  }

  /** Begins the next step. */
  step(title: string): void {
    this.#step += 1;
    this.#output.line(`\n[${this.#step}/${this.#stepCount}] ${title}`);
  }

  say(text: string): void {
    for (const line of text.split("\n")) this.#output.line(`      ${line}`);
  }

  progress(text: string): void {
    this.#output.progress(`      ${text}`);
  }

  /** Says a number that the summary repeats. */
  figure(name: string, value: string): void {
    this.#figures.push({ name, value });
    this.say(`${name}: ${value}`);
  }

  /** One comparison: it held when there is no difference. */
  check(what: string, differences: readonly string[]): void {
    if (differences.length === 0) {
      this.#heldCount += 1;
      this.#output.line(`  ok  ${what}`);
      return;
    }
    this.#failedCount += 1;
    this.#output.line(`  NOT ${what}`);
    for (const difference of differences.slice(0, DIFFERENCES_SHOWN)) this.say(difference);
    const hidden = differences.length - DIFFERENCES_SHOWN;
    if (hidden > 0) this.say(`... and ${hidden} more`);
  }
}
