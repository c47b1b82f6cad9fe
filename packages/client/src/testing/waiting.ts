const ROUNDS_MAX = 500;
const ROUND_MS = 10;

/** Waits so many milliseconds of real time. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until a condition is true; rejects when it is not within about five seconds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let round = 0; !condition(); round++) {
    if (round >= ROUNDS_MAX) {
      throw new Error(`not true within ${ROUNDS_MAX * ROUND_MS} ms: ${condition.toString()}`);
    }
    await delay(ROUND_MS);
  }
}
