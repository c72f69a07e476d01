import { median } from "./contest.js";

/** Runs `work` `count` times, `concurrency` at once, and tells how many were done a second. */
export async function perSecond(
  count: number,
  concurrency: number,
  work: () => Promise<unknown>,
): Promise<number> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await work();
    }
  };
  const startMs = performance.now();
  await Promise.all(Array.from({ length: concurrency }, worker));
  return (count / (performance.now() - startMs)) * 1000;
}

/** Runs `work` `count` times, one after the other, and tells the median duration in microseconds. */
export async function medianMicroseconds(
  count: number,
  work: () => Promise<unknown>,
): Promise<number> {
  const durations: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const startMs = performance.now();
    await work();
    durations.push((performance.now() - startMs) * 1000);
  }
  return median(durations);
}
