import { CodedError, type Timers } from "@stratalog/base";

/**
 * The answer, or REQUEST_TIMED_OUT when there is none in time. What was asked for may happen all
 * the same.
 */
export function withTimeout<T>(
  timers: Timers,
  answer: Promise<T>,
  options: { readonly timeoutMs: number; readonly what: string },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const { timeoutMs, what } = options;
    const timer = timers.after(timeoutMs, () => {
      reject(new CodedError("REQUEST_TIMED_OUT", `${what} took longer than ${timeoutMs} ms`));
    });
    answer.then(resolve, reject).finally(() => timer.cancel());
  });
}
