/**
 * What waits for a signal, behind one listener of the signal itself: adding a listener to a signal takes time for each one
 * that is there already, and in an outage there may be thousands.
 */
const LISTENERS = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `listener` when the signal aborts; never for one that has aborted already. */
export function onAbort(signal: AbortSignal, listener: () => void): void {
  let listeners = LISTENERS.get(signal);
  if (listeners === undefined) {
    const all = new Set<() => void>();
    const tellAll = (): void => {
      for (const one of all) one();
    };
    signal.addEventListener("abort", tellAll, { once: true });
    LISTENERS.set(signal, all);
    listeners = all;
  }
  listeners.add(listener);
}

export function offAbort(signal: AbortSignal, listener: () => void): void {
  LISTENERS.get(signal)?.delete(listener);
}
