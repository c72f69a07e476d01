import { isUint8Array } from "node:util/types";
import { utf8Text } from "./canonical-json.js";
import type { Delivery } from "./delivery.js";
import type { Json } from "./json.js";

// A text without either holds no number that JavaScript could round. Two plain searches are faster than one of both.
const LONG_NUMBER = /\d[\d.]{15}/;
const NUMBER_WITH_EXPONENT = /[\s:,[]-?[\d.]+[eE]/;
/** Up to 15 digits and a small exponent always survive; the rest must prove it. */
const SUSPICIOUS_NUMBER = /\d[\d.]{15}|[eE][+-]?\d{3}/;
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;

/** The text of a body of bytes or text; undefined if the bytes are not UTF-8 or the body was parsed already. */
export function payloadText(payload: Delivery["payload"]): string | undefined {
  if (typeof payload === "string") return payload;
  return isUint8Array(payload) ? utf8Text(payload) : undefined;
}

/**
 * Parses a JSON object or array; undefined for anything else. Two different numbers stay different: one that
 * JavaScript could round, and any whole number beyond the safe ones (a 64-bit id, say), becomes the string of its digits.
 */
export function parseJsonText(text: string): Json | undefined {
  if (!/^[ \t\n\r]*[[{]/.test(text)) return undefined;
  try {
    const parsed = JSON.parse(text) as Json;
    if (!LONG_NUMBER.test(text) && !NUMBER_WITH_EXPONENT.test(text)) return parsed;
    const exact = text.replace(STRING_OR_NUMBER, (token) =>
      isExact(token) ? token : `"${token}"`,
    );
    return exact === text ? parsed : (JSON.parse(exact) as Json);
  } catch {
    return undefined;
  }
}

function isExact(token: string): boolean {
  if (token.startsWith('"')) return true;
  const value = Number(token);
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return false;
  return !SUSPICIOUS_NUMBER.test(token) || String(value) === token;
}
