import type { Origin } from "@onlyonce/core";
import { packTraceparent, unpackTraceparent } from "./packed-traceparent.js";

/** What a record keeps of its owner. */
export interface OriginFields {
  readonly origin: Origin;
  readonly fingerprint?: string;
  readonly result?: Uint8Array;
}

/** Longer fields are cut: coordinates are for people, and every remembered key would carry them. */
const FIELD_MAX_LENGTH = 128;
const PLAIN = /^[!-$&-}]*$/;
/** Starts a traceparent that is kept as it is; a packed one never holds it. */
const UNPACKED = "~";
/** Starts a result, which may be empty and yet be there. */
const RESULT = "=";

/**
 * One text without line breaks: traceparent, coordinates, fingerprint and result between spaces, without the spaces at
 * the end. Empty where there is nothing to keep, which makes a completed record as small as can be.
 */
export function originText({ origin, fingerprint, result }: OriginFields): string {
  const { traceparent, coordinates } = origin;
  let text = result === undefined ? "" : ` ${RESULT}${bytesOf(result).toString("base64url")}`;
  if (text !== "" || fingerprint !== undefined) text = ` ${asField(fingerprint)}${text}`;
  if (text !== "" || coordinates !== undefined) text = ` ${asField(coordinates)}${text}`;
  if (traceparent === undefined) return text === " " ? "" : text;
  return (packTraceparent(traceparent) ?? UNPACKED + asField(traceparent)) + text;
}

/** The reverse, with the age of a record: `text` starts with the instant of its first claim. */
export function readOrigin(text: string, nowMs: number): Pick<OriginFields, "origin" | "result"> {
  if (text === "") return { origin: {} };
  const ageMs = Math.max(0, nowMs - readStamp(text.slice(0, STAMP_LENGTH)));
  const [traceparent = "", coordinates = "", , result = ""] = text.slice(STAMP_LENGTH).split(" ");
  return {
    origin: {
      ...(traceparent !== "" && { traceparent: readTraceparent(traceparent) }),
      ...(coordinates !== "" && { coordinates: readField(coordinates) }),
      ageMs,
    },
    ...(result.startsWith(RESULT) && {
      result: new Uint8Array(Buffer.from(result.slice(RESULT.length), "base64url")),
    }),
  };
}

function readTraceparent(field: string): string {
  return field.startsWith(UNPACKED) ? readField(field.slice(1)) : unpackTraceparent(field);
}

function asField(text: string | undefined): string {
  if (text === undefined) return "";
  const cut = text.length > FIELD_MAX_LENGTH ? text.slice(0, FIELD_MAX_LENGTH) : text;
  // A detour over bytes, because encodeURIComponent throws on half a surrogate pair.
  return PLAIN.test(cut) ? cut : encodeURIComponent(Buffer.from(cut).toString());
}

function readField(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function bytesOf(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

const STAMP_LENGTH = 7;

/** An instant of `stamp` in lua/shared/clock.lua. */
function readStamp(text: string): number {
  let ms = 0;
  for (let place = 0; place < text.length; place += 1) ms = ms * 64 + text.charCodeAt(place) - 48;
  return ms;
}
