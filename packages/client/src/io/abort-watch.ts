/** Callbacks by signal. A signal that nobody holds any more takes its set with it. */
const watchers = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back once when a signal aborts; gives a function that forgets the callback. Each signal has
 * one listener, however many wait for it: a client waits a thousandfold on few signals, and Node
 * takes many listeners for a leak.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let callbacks = watchers.get(signal);
  if (callbacks === undefined) {
    const fresh = new Set<() => void>();
    watchers.set(signal, fresh);
    const fire = (): void => {
      for (const each of fresh) each();
      fresh.clear();
    };
    signal.addEventListener("abort", fire, { once: true });
    callbacks = fresh;
  }
  callbacks.add(callback);
  return () => {
    callbacks.delete(callback);
  };
}
