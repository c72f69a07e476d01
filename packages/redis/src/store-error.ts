import { OnlyOnceError } from "@onlyonce/core";

/** What a server or client said in refusal. The caller knows no more than that the call may or may not have been executed. */
export function callFailure(cause: unknown): OnlyOnceError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new OnlyOnceError("ERR_ONLYONCE_STORE", `Redis call failed: ${reason}`, { cause });
}

export function timedOut(commandTimeoutMs: number): OnlyOnceError {
  return new OnlyOnceError(
    "ERR_ONLYONCE_STORE",
    `Redis did not answer within commandTimeoutMs (${commandTimeoutMs} ms)`,
  );
}

export function storeClosed(): OnlyOnceError {
  return new OnlyOnceError("ERR_ONLYONCE_CLOSED", "the Redis store is closed", {
    retriable: false,
  });
}

/** The server does not know the script, because it restarted or its script cache was flushed. */
export function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}
