import type { KeyRecord } from "@onlyonce/core";
import { forgetScript, inspectScript } from "./generated/scripts.js";
import { readOrigin } from "./origin-text.js";
import { type KeyedRequest, newerRecord, unknownAnswer, type Verb } from "./verb.js";

/** What an operator asks of a key. */
export interface Look extends KeyedRequest {
  /** The revision that must still stand there; empty for any. */
  readonly revision: string;
}

const STATES: Readonly<Record<string, KeyRecord["state"]>> = {
  C: "claimed",
  F: "failed",
  D: "completed",
};

export const inspectVerb: Verb<Look, { readonly record?: KeyRecord }> = {
  script: inspectScript,
  first: () => "",
  decode(code, detail, nowMs) {
    if (code === "x" || code === "m") return {};
    const state = STATES[code];
    if (state === undefined) throw unknownAnswer(code);
    const [expiresInMs = "", attempts = "", revision = ""] = detail.split(" ", 3);
    const text = detail.slice(expiresInMs.length + attempts.length + revision.length + 3);
    return {
      record: {
        state,
        ...(attempts !== "-" && { attempt: Number(attempts) }),
        origin: readOrigin(text, nowMs).origin,
        expiresInMs: Number(expiresInMs),
        revision,
      },
    };
  },
};

export const forgetVerb: Verb<
  Look,
  boolean | { readonly status: "error"; readonly error: unknown }
> = {
  script: forgetScript,
  first: (request) => request.revision,
  decode(code) {
    switch (code) {
      case "y":
        return true;
      case "z":
        return false;
      case "n":
        return newerRecord();
      default:
        throw unknownAnswer(code);
    }
  },
};
