/** How much work goes into a benchmark. */
export interface Effort {
  /** Rounds that count; one more warms up. */
  readonly rounds: number;
  /** Small counts: shows that everything works and roughly where it stands, in minutes. */
  readonly quick: boolean;
}

const QUICK_SHARE = 0.2;

/** `full`, or a fifth of it. */
export function countFor({ quick }: Effort, full: number): number {
  return quick ? Math.ceil(full * QUICK_SHARE) : full;
}
