import type { Origin } from "@onlyonce/core";

/** What a record keeps of its owner, as one text without line breaks: nothing, or three or four fields between spaces. */
export interface OriginFields {
  readonly origin: Origin;
  readonly fingerprint?: string;
  readonly result?: Uint8Array;
}

/** Longer fields are cut: coordinates are for people, and every remembered key would carry them. */
const FIELD_MAX_LENGTH = 128;
const PLAIN = /^[!-$&-~]*$/;
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const UNPACKED = "=";
const PACKED_TRACEPARENT = /^[A-Za-z0-9_-]{34}$/;

/** Nothing where there is nothing to keep, which makes a completed record as small as can be. */
export function originText({ origin, fingerprint, result }: OriginFields): string {
  const { traceparent, coordinates } = origin;
  if (traceparent === undefined && coordinates === undefined) {
    if (fingerprint === undefined && result === undefined) return "";
  }
  const fields = `${asField(fingerprint)} ${packTraceparent(traceparent)} ${asField(coordinates)}`;
  return result === undefined ? fields : `${fields} ${bytesOf(result).toString("base64url")}`;
}

/** The reverse, with the age of a record that was first seen at `firstSeen`. */
export function readOrigin(text: string, nowMs: number): Pick<OriginFields, "origin" | "result"> {
  if (text === "") return { origin: {} };
  const ageMs = Math.max(0, nowMs - readStamp(text.slice(0, 7)));
  const [, packed = "", coordinates = "", result] = text.slice(7).split(" ");
  const traceparent = unpackTraceparent(packed);
  return {
    origin: {
      ...(traceparent !== undefined && { traceparent }),
      ...(coordinates !== "" && { coordinates: readField(coordinates) }),
      ageMs,
    },
    ...(result !== undefined && { result: new Uint8Array(Buffer.from(result, "base64url")) }),
  };
}

/** 25 bytes as 34 characters instead of 55. A later version of the header is kept as it is, marked. */
function packTraceparent(traceparent: string | undefined): string {
  if (traceparent === undefined) return "";
  const parts = TRACEPARENT.exec(traceparent);
  if (parts === null) return UNPACKED + asField(traceparent);
  return Buffer.from(`${parts[1]}${parts[2]}${parts[3]}`, "hex").toString("base64url");
}

function unpackTraceparent(packed: string): string | undefined {
  if (packed.startsWith(UNPACKED)) return readField(packed.slice(1));
  if (!PACKED_TRACEPARENT.test(packed)) return undefined;
  const hex = Buffer.from(packed, "base64url").toString("hex");
  return `00-${hex.slice(0, 32)}-${hex.slice(32, 48)}-${hex.slice(48)}`;
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

/** An instant of `stamp` in lua/shared/clock.lua. */
function readStamp(text: string): number {
  let ms = 0;
  for (let place = 0; place < text.length; place += 1) ms = ms * 64 + text.charCodeAt(place) - 48;
  return ms;
}
