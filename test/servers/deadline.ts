import { setTimeout as delay } from "node:timers/promises";

/** How long {@link until} may take, and what it waits for (quoted in the error). */
export interface Deadline {
  readonly what: string;
  readonly limitMs: number;
  /** Pause between two tries. @defaultValue 50 */
  readonly everyMs?: number;
}

/**
 * Asks again and again until `check` answers something other than `undefined`.
 *
 * A check that throws counts as "not yet"; its last error becomes the cause when time is up.
 * {@link GiveUp} ends the waiting at once.
 */
export async function until<T>(
  check: () => Promise<T | undefined> | T | undefined,
  deadline: Deadline,
): Promise<T> {
  const endsAt = performance.now() + deadline.limitMs;
  let lastError: unknown;
  for (;;) {
    try {
      const answer = await check();
      if (answer !== undefined) return answer;
    } catch (error) {
      if (error instanceof GiveUp) throw error;
      lastError = error;
    }
    if (performance.now() >= endsAt) {
      const why = lastError instanceof Error ? `: ${lastError.message}` : "";
      throw new Error(`${deadline.what} took longer than ${deadline.limitMs} ms${why}`, {
        cause: lastError,
      });
    }
    await delay(deadline.everyMs ?? 50);
  }
}

/** Thrown by a check when more waiting cannot help. */
export class GiveUp extends Error {
  override readonly name = "GiveUp";
}

/** Settles like `work`, or rejects after `limitMs`; the work itself is not stopped. */
export async function within<T>(work: Promise<T>, what: string, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
