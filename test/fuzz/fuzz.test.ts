import { describe, expect, it } from "vitest";
import { decoderTargets } from "./decoders/index.ts";
import { callTarget } from "./live/client-port.ts";
import { LiveBroker } from "./live/live-broker.ts";
import { httpTarget, peerTarget } from "./live/peer-port.ts";
import { runRound } from "./round.ts";

// A small part of `npm run fuzz`, with seeds that are drawn anew at each run and named on failure.

const CASES = 2_000;
const LIVE_CASES = 100;
const SEED = Math.floor(Math.random() * 2 ** 31);

describe("a broker in a process of its own", () => {
  it(`serves its good client whatever others send (seed ${SEED})`, async () => {
    await using live = await LiveBroker.start();
    for (const target of [callTarget(live), peerTarget(live), httpTarget(live)]) {
      const { failure } = await runRound(target, SEED, LIVE_CASES);
      expect([target.name, failure]).toEqual([target.name, undefined]);
    }
  }, 90_000);
});

describe("decoders of foreign bytes", async () => {
  it.each((await decoderTargets()).map((target) => ({ name: target.name, target })))(
    `$name refuse what is wrong and nothing else (seed ${SEED})`,
    async ({ target }) => {
      const { failure } = await runRound(target, SEED, CASES);
      expect(failure).toBeUndefined();
    },
  );
});
