import { OnlyOnceError, type ReplicaWait, type StoreFailure } from "@onlyonce/core";

/** What a server or client said in refusal. The caller knows no more than that the call may or may not have been executed. */
export function callFailure(cause: unknown): OnlyOnceError {
  if (OnlyOnceError.is(cause)) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new OnlyOnceError("ERR_ONLYONCE_STORE", `Redis call failed: ${reason}`, { cause });
}

export function timedOut(commandTimeoutMs: number): OnlyOnceError {
  return new OnlyOnceError(
    "ERR_ONLYONCE_STORE",
    `Redis did not answer within commandTimeoutMs (${commandTimeoutMs} ms)`,
    { cause: new DOMException("the time for a command is up", "TimeoutError") },
  );
}

/** The change stands on the primary, and a failover may take it away. */
export function notReplicated(count: number, { min, timeoutMs }: ReplicaWait): OnlyOnceError {
  return new OnlyOnceError(
    "ERR_ONLYONCE_STORE",
    `${count} of ${min} replicas had the change within replicas.timeoutMs (${timeoutMs} ms)`,
  );
}

/** A claim that was granted and then was not there any more: a failover, most likely. */
export function lostBeforeReplication(): StoreFailure {
  const error = new OnlyOnceError(
    "ERR_ONLYONCE_STORE",
    "a claim was lost before the replicas had it",
  );
  return { status: "error", error };
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
