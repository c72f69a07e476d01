import { AppendOnlyFile, readLines } from "./append-only-file.js";

/** One effect: what must happen once per task, such as the charge of a card. */
export interface Effect {
  readonly id: string;
  readonly consumer: string;
  readonly pid: number;
  /** Which of its consumer's deliveries caused it. */
  readonly delivery: number;
  readonly attempt: number;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

/** Append-only and shared by all consumers of a broker. Nobody looks into it before the audit. */
export class Ledger extends AppendOnlyFile<Effect> {}

/** The effects in the order in which they were appended. */
export function readLedger(path: string): readonly Effect[] {
  return readLines(path) as readonly Effect[];
}
