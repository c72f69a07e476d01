import { OnlyOnceError, type StoreFailure } from "@onlyonce/core";
import type { Script } from "./generated/scripts.js";

/** What every call says of a key. */
export interface KeyedRequest {
  /** 22 base64url characters. */
  readonly key: string;
  readonly leaseMs: number;
  readonly windowMs: number;
}

/** One script: how a request becomes its arguments, and how its answer becomes a reply. */
export interface Verb<Request extends KeyedRequest, Reply> {
  readonly script: Script;
  /** The first argument of a key. */
  first(request: Request): string;
  /** The second one, for scripts that take two. */
  second?(request: Request): string;
  /** Total: an answer that the script does not give throws. `detail` is there for upper-case codes only. */
  decode(code: string, detail: string, nowMs: number): Reply;
}

/** The script answered what no version of it answers: something else runs under its name. */
export function unknownAnswer(code: string): Error {
  return new Error(`unknown answer of a script: ${JSON.stringify(code.slice(0, 40))}`);
}

/** A record of a newer version of this library that this one can't read: fail closed until the deployment is through. */
export function newerRecord(): StoreFailure {
  const error = new OnlyOnceError(
    "ERR_ONLYONCE_STORE",
    "the record was written by a newer version of @onlyonce/redis and can't be read: finish the rolling deployment",
  );
  return { status: "error", error, unreadable: true };
}
