import type {
  ClaimReply,
  ClaimRequest,
  CompleteReply,
  Completion,
  Held,
  Release,
  ReleaseReply,
  RememberReply,
  RenewReply,
  StartReply,
} from "@onlyonce/core";
import {
  claimScript,
  completeScript,
  releaseScript,
  rememberScript,
  renewScript,
  startScript,
} from "./generated/scripts.js";
import { originText, readOrigin } from "./origin-text.js";
import { bareTagText, tagText, tokenTag } from "./token-tag.js";
import { newerRecord, unknownAnswer, type Verb } from "./verb.js";

export const claimVerb: Verb<ClaimRequest, ClaimReply> = {
  script: claimScript,
  first: (request) => `${tokenOf(request)} 1 0 ${originText(request)}`,
  decode(code, detail, nowMs) {
    switch (code) {
      case "a":
      case "m":
        return { status: "acquired", grant: 1, attempt: 1, suspect: false };
      case "A":
        return { status: "acquired", ...readGrant(detail).numbers };
      case "R":
      case "T": {
        const { numbers, rest } = readGrant(detail);
        const previous = readOrigin(rest, nowMs).origin;
        return { status: "reclaimed", takeover: code === "T", previous, ...numbers };
      }
      case "d":
      case "v":
        return { status: "duplicate", origin: {} };
      case "D":
        return { status: "duplicate", ...readOrigin(detail, nowMs) };
      case "C":
        return { status: "conflict", origin: readOrigin(detail, nowMs).origin };
      case "B": {
        const end = detail.indexOf(" ");
        const origin = readOrigin(detail.slice(end + 1), nowMs).origin;
        return { status: "busy", leaseLeftMs: Number(detail.slice(0, end)), origin };
      }
      case "s":
        return { status: "stale" };
      case "n":
        return newerRecord();
      default:
        throw unknownAnswer(code);
    }
  },
};

export const rememberVerb: Verb<ClaimRequest, RememberReply> = {
  script: rememberScript,
  first: tokenOf,
  second: (request) => outlineOf(request),
  decode(code, detail, nowMs) {
    switch (code) {
      case "w":
      case "m":
        return { status: "new" };
      case "d":
      case "v":
        return { status: "duplicate", origin: {} };
      case "D":
        return { status: "duplicate", origin: readOrigin(detail, nowMs).origin };
      case "C":
        return { status: "conflict", origin: readOrigin(detail, nowMs).origin };
      case "n":
        return newerRecord();
      default:
        throw unknownAnswer(code);
    }
  },
};

export const startVerb: Verb<Held, StartReply> = {
  script: startScript,
  first: ownerOf,
  decode: readOwnerAnswer,
};

export const renewVerb: Verb<Held, RenewReply> = {
  script: renewScript,
  first: ownerOf,
  second: originText,
  decode: (code) => (code === "e" || code === "m" ? "restored" : readOwnerAnswer(code)),
};

const COMPLETE_ANSWERS = ["ok", "late", "vanished", "stolen"] as const;

export const completeVerb: Verb<Completion, CompleteReply> = {
  script: completeScript,
  first: ownerOf,
  second: outlineOf,
  decode(code) {
    if (code === "m") return "vanished";
    if (code === "n") return newerRecord();
    const answer = /[0-3]/.test(code) ? COMPLETE_ANSWERS[Number(code)] : undefined;
    if (answer === undefined) throw unknownAnswer(code);
    return answer;
  },
};

const RELEASE_CODES = { failed: "f", unstarted: "u", reset: "r" } as const;

export const releaseVerb: Verb<Release, ReleaseReply> = {
  script: releaseScript,
  first: ownerOf,
  second: (request) => RELEASE_CODES[request.as],
  decode: readOwnerAnswer,
};

function readOwnerAnswer(code: string): StartReply {
  switch (code) {
    case "o":
      return "ok";
    case "l":
    case "m":
      return "lost";
    case "n":
      return newerRecord();
    default:
      throw unknownAnswer(code);
  }
}

interface GrantNumbers {
  readonly grant: number;
  readonly attempt: number;
  readonly suspect: boolean;
}

/** "grant attempt suspect", and what may follow behind a space. */
function readGrant(detail: string): { readonly numbers: GrantNumbers; readonly rest: string } {
  const [grant = "", attempt = "", suspect = ""] = detail.split(" ", 3);
  return {
    numbers: { grant: Number(grant), attempt: Number(attempt), suspect: suspect === "1" },
    rest: detail.slice(grant.length + attempt.length + suspect.length + 3),
  };
}

/** Printable ASCII without spaces: it is a field of the record. */
const TOKEN = /^[!-~]{1,64}$/;

function tokenOf({ token }: { readonly token: string }): string {
  if (!TOKEN.test(token)) {
    throw new TypeError("an owner token must be 1 to 64 printable ASCII characters without spaces");
  }
  return token;
}

/** With a space behind the last field, so that it matches whole fields of a record. */
function ownerOf(call: { readonly token: string; readonly grant?: number | undefined }): string {
  return call.grant === undefined ? `${tokenOf(call)} ` : `${tokenOf(call)} ${call.grant} `;
}

/** What a completed record will hold, but for times and answer: lua/shared/tag.lua. */
function outlineOf(request: Completion | ClaimRequest): string {
  const tag = tokenTag(request.token);
  const origin = originText(request);
  return origin === "" ? bareTagText(tag) : `${tagText(tag)}${origin}`;
}
