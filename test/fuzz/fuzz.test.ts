import { describe, expect, it } from "vitest";
import { decoderTargets } from "./decoders/index.ts";
import { runRound } from "./round.ts";

// A small part of `npm run fuzz`, with seeds that are drawn anew at each run and named on failure.

const CASES = 2_000;
const SEED = Math.floor(Math.random() * 2 ** 31);

describe("decoders of foreign bytes", async () => {
  it.each((await decoderTargets()).map((target) => ({ name: target.name, target })))(
    `$name refuse what is wrong and nothing else (seed ${SEED})`,
    async ({ target }) => {
      const { failure } = await runRound(target, SEED, CASES);
      expect(failure).toBeUndefined();
    },
  );
});
