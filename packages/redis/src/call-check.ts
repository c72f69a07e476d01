import { randomBytes } from "node:crypto";
import type { Finding, Store } from "@onlyonce/core";

/** Longer than a check takes; what a check that dies leaves behind is gone then. */
const PROBE_MS = 10_000;

/** Makes the store's own calls for a key of its own and removes it again: what they need can't be told from INFO. */
export async function checkCalls(
  store: Pick<Store, "remember" | "inspect" | "forget">,
): Promise<readonly Finding[]> {
  const key = randomBytes(17).toString("base64url").slice(0, 22);
  const probe = { key, token: "check", leaseMs: PROBE_MS, windowMs: PROBE_MS, origin: {} };
  try {
    await store.remember([probe]);
    await store.inspect(key);
    await store.forget(key);
    return [];
  } catch (error) {
    return refusal(error instanceof Error ? error.message : String(error));
  }
}

function refusal(message: string): Finding[] {
  const finding = (code: string, told: string): Finding[] => [
    { code, severity: "error", message: `${told} (${message})` },
  ];
  // A replica, which the look at its role has told by now.
  if (/READONLY/.test(message)) return [];
  if (/NOPERM|permission|can't run this command|can't access|ACL failure/i.test(message)) {
    return finding(
      "command_refused",
      "the user of the client may not do what the store does, so every message waits. Grant it the keys and commands that SECURITY.md names",
    );
  }
  if (/unknown (?:redis )?command/i.test(message)) {
    return finding(
      "command_missing",
      "the server does not know a command that the store needs, so every message waits: take back its rename-command, or use a server that has it",
    );
  }
  if (/OOM|maxmemory/.test(message)) {
    return finding(
      "memory_full",
      "the server's memory is full: claims are refused and messages wait. Raise maxmemory or shorten windowMs",
    );
  }
  if (/MISCONF/.test(message)) {
    return finding(
      "writes_stopped",
      "the server can't write to its disk and refuses all changes, so messages wait: make room on the disk or mend the rights to its folder",
    );
  }
  return finding("calls_fail", "a call of the store fails, so messages wait");
}
