import { hash } from "node:crypto";
import { isUint8Array } from "node:util/types";
import { adler32 } from "./adler32.js";
import { canonicalJson, isWellFormed, utf8Text } from "./canonical-json.js";
import type { Json } from "./json.js";
import { parseJsonText } from "./json-text.js";
import type { KeyStrategy } from "./key-strategy.js";
import { refuseUnknown, requireInteger, requireObject, requireOneOf } from "./option-checks.js";

const ALGORITHMS = ["sha256", "sha512", "adler32"] as const;
const STRONG = ["sha256", "sha512"] as const;

export interface PayloadHashOptions {
  /**
   * `adler32` is 32 bits at best: among 10,000 different messages of one length it takes one for another with a chance
   * of 1 % (short messages: far more), and that message is lost. Only for data that may be lost.
   * @defaultValue "sha256"
   */
  readonly algorithm?: (typeof ALGORITHMS)[number];
  /**
   * Reads no more than this many bytes of the payload, at least 64. The total length counts too, but messages of one
   * length that differ only further back are taken for the same message, and lost. Default: all bytes.
   */
  readonly maxBytes?: number;
  /**
   * Confirms a match of `algorithm` with a strong hash over all bytes: a collision of the weak hash, or of the first
   * `maxBytes`, is another message and never lost. The strong hash of the first message must be remembered to confirm
   * anything later, so it is part of the key and computed for every message; what it costs is the price of safety.
   * Default: none.
   */
  readonly verify?: (typeof STRONG)[number];
}

/**
 * A hash of the body: equal bodies are the same message. JSON objects and arrays are put into canonical form first
 * (RFC 8785), so that the order of properties, white space and escapes do not matter, whether they come as bytes, as
 * text or parsed; but bytes and text longer than `maxBytes` are read as they stand. No key: a missing or empty body, such
 * as a tombstone. Prefer an id where there is one: it is cheaper, and survives a changed time stamp.
 */
export function payloadHash(options: PayloadHashOptions = {}): KeyStrategy {
  checkOptions(options);
  const { algorithm = "sha256", maxBytes = Number.MAX_SAFE_INTEGER, verify } = options;
  return ({ payload }) => {
    if (payload === undefined || payload === null) return undefined;
    const content = contentOf(payload, maxBytes);
    if (content.length === 0) return undefined;
    const read = content.subarray(0, maxBytes);
    const digest =
      algorithm === "adler32"
        ? adler32(read).toString(16).padStart(8, "0")
        : hash(algorithm, read, "base64url");
    const weak = `${algorithm}:${content.length}:${digest}`;
    return verify === undefined ? weak : `${weak}:${verify}:${hash(verify, content, "base64url")}`;
  };
}

function checkOptions(options: unknown): void {
  requireObject("payloadHash", options);
  refuseUnknown("payloadHash", options, ["algorithm", "maxBytes", "verify"]);
  const { algorithm, maxBytes, verify } = options;
  if (algorithm !== undefined) requireOneOf("payloadHash.algorithm", algorithm, ALGORITHMS);
  if (verify !== undefined) requireOneOf("payloadHash.verify", verify, STRONG);
  if (maxBytes !== undefined) {
    requireInteger("payloadHash.maxBytes", maxBytes, 64, Number.MAX_SAFE_INTEGER);
  }
}

/** What is hashed. The same text gives the same bytes, however it was delivered. */
function contentOf(payload: Json | Uint8Array, maxBytes: number): Uint8Array {
  if (isUint8Array(payload)) {
    if (payload.length > maxBytes) return payload;
    const text = utf8Text(payload);
    return (text === undefined ? undefined : canonicalText(text)) ?? payload;
  }
  const isText = typeof payload === "string" && isWellFormed(payload);
  if (!isText) return Buffer.from(canonicalJson(payload));
  const bytes = Buffer.from(payload);
  return bytes.length > maxBytes ? bytes : (canonicalText(payload) ?? bytes);
}

function canonicalText(text: string): Uint8Array | undefined {
  const parsed = parseJsonText(text);
  if (parsed === undefined) return undefined;
  try {
    return Buffer.from(canonicalJson(parsed));
  } catch {
    return undefined; // Nested too deep.
  }
}
