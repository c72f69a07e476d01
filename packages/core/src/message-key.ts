import { createHmac, createSecretKey, hash } from "node:crypto";
import { isUint8Array } from "node:util/types";
import { canonicalJson, isWellFormed } from "./canonical-json.js";
import type { Json } from "./json.js";

/** What makes two deliveries the same message. Bytes equal the string that they spell in UTF-8; "1" differs from 1. */
export type MessageKey = Json | Uint8Array | readonly MessageKey[];

/** Undefined: there is no key, because the value is missing or empty. */
export type KeyDigest = (key: MessageKey | undefined) => string | undefined;

/** 132 bits. */
const KEY_CHARACTERS = 22;
/** 96 bits: only ever compared with the other fingerprints of one key. */
const FINGERPRINT_CHARACTERS = 16;

/**
 * Whether a value can tell messages apart. `undefined`, `null` and whatever is empty (string, bytes, array, object)
 * cannot: as a key it would make one message of all messages that lack an id.
 */
export function isKey<Key extends MessageKey>(value: Key | undefined): value is Key & {} {
  if (typeof value === "string") return value.length > 0;
  if (typeof value !== "object") return value !== undefined;
  if (value === null) return false;
  if (Array.isArray(value) || isUint8Array(value)) return value.length > 0;
  return Object.keys(value).length > 0;
}

/**
 * Prepares the digest of (scope, topic, key): 22 base64url characters of SHA-256, or of HMAC-SHA-256 with a secret. The
 * same in every process and release, whatever the key's length or content. The digest throws a TypeError for a key
 * that JSON and bytes cannot express.
 */
export function createKeyDigest(scope: string, topic: string, secret?: Uint8Array): KeyDigest {
  const hasher = createHasher(`key1:${delimited(scope)}${delimited(topic)}`, secret);
  return (key) => (isKey(key) ? hasher(key).slice(0, KEY_CHARACTERS) : undefined);
}

/** Prepares the digest of a payload's fingerprint: 16 base64url characters, made like those of a key. */
export function createFingerprintDigest(secret?: Uint8Array): KeyDigest {
  const hasher = createHasher("fingerprint1:", secret);
  return (value) => (isKey(value) ? hasher(value).slice(0, FINGERPRINT_CHARACTERS) : undefined);
}

/** Quoted, so that any text has UTF-8 bytes of its own, and length-prefixed, so that no two parts flow together. */
function delimited(part: string): string {
  const quoted = JSON.stringify(part);
  return `${quoted.length}:${quoted}`;
}

function createHasher(prefix: string, secret?: Uint8Array): (key: MessageKey) => string {
  const digest = secret === undefined ? sha256 : hmac(secret);
  const textPrefix = `${prefix}s`;
  const jsonPrefix = `${prefix}j`;
  const bytesPrefix = Buffer.from(textPrefix);
  return (key) => {
    if (isUint8Array(key)) return digest(Buffer.concat([bytesPrefix, key]));
    const isText = typeof key === "string" && isWellFormed(key);
    return digest(isText ? textPrefix + key : jsonPrefix + canonicalJson(key));
  };
}

function sha256(data: string | Uint8Array): string {
  return hash("sha256", data, "base64url");
}

function hmac(secret: Uint8Array): (data: string | Uint8Array) => string {
  if (!isUint8Array(secret) || secret.length === 0) {
    throw new TypeError("keySecret must be a Uint8Array of at least one byte");
  }
  const key = createSecretKey(secret);
  return (data) => createHmac("sha256", key).update(data).digest("base64url");
}
