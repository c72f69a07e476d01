import type { Finding } from "@onlyonce/core";

/** A finding is reported at most once in this time; the next report says how many there were. */
const QUIET_MS = 60_000;

const ODD_RECORDS: Readonly<Record<string, Finding>> = {
  m: {
    code: "record_malformed",
    severity: "warning",
    message:
      "a record could not be read and counted as absent: does something else write under the prefix of this store?",
  },
  n: {
    code: "record_newer",
    severity: "warning",
    message:
      "a record was written by a newer version of @onlyonce/redis and could not be read, so its message has to wait: finish the rolling deployment",
  },
  v: {
    code: "record_newer_completed",
    severity: "info",
    message: "a record of a newer version of @onlyonce/redis says completed, and was obeyed",
  },
};

/** Found by a look at the server, at the start and later on. */
export function keysEvicted(count: number, since: string): Finding {
  return {
    code: "keys_evicted",
    severity: "error",
    message: `the server has thrown ${count} keys away for want of memory ${since}: messages of keys of this store among them take effect again. Set maxmemory-policy noeviction, and give it more memory or a shorter windowMs`,
  };
}

/** Findings made while working, told to listeners at a bounded rate, however many there are. */
export class Findings {
  readonly #listeners = new Set<(finding: Finding) => void>();
  readonly #seen = new Map<string, { count: number; quietUntilMs: number }>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  subscribe(listener: (finding: Finding) => void): () => void {
    const own = (finding: Finding): void => listener(finding);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  /** For an answer of a script about a record that an operator should know of; other answers are no findings. */
  readonly odd = (code: string): void => {
    const finding = ODD_RECORDS[code];
    if (finding === undefined) return;
    const seen = this.#seen.get(code) ?? { count: 0, quietUntilMs: Number.NEGATIVE_INFINITY };
    this.#seen.set(code, seen);
    seen.count += 1;
    const nowMs = this.#nowMs();
    if (nowMs < seen.quietUntilMs) return;
    seen.quietUntilMs = nowMs + QUIET_MS;
    this.tell({
      ...finding,
      message: `${finding.message} (${seen.count} since the store was made)`,
    });
  };

  /** For a finding that its maker sees once. */
  readonly tell = (finding: Finding): void => {
    for (const listener of this.#listeners) {
      try {
        listener(finding);
      } catch {
        // A listener that throws never changes what the store answers.
      }
    }
  };
}
