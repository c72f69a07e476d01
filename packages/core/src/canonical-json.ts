import { isUtf8 } from "node:buffer";
import { isUint8Array } from "node:util/types";

/** Deeper values are refused, so that the answer never depends on how much stack is left. */
const MAX_DEPTH = 500;

/** Printable ASCII without the quotation mark and the backslash needs no escapes. */
const NEEDS_ESCAPES = /[^ !#-[\]-~]/;

const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The canonical text of a value: RFC 8785, extended in two places where it refuses, so that different values always
 * have different texts. A lone surrogate keeps its escape. Bytes are the string that they spell in UTF-8; bytes that
 * spell none stand between angle brackets, as base64.
 *
 * Throws a TypeError for what neither JSON nor bytes can express (NaN, undefined, dates, instances of classes) and for
 * values that are nested too deep: dropping or guessing would give different messages one key.
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

/** The text that bytes spell in UTF-8; undefined if they spell none. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  return isUtf8(bytes) ? view(bytes).toString("utf8") : undefined;
}

/** Whether UTF-8 can express a text: it has one replacement for all lone surrogates. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

function write(value: unknown, depth: number): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  if (typeof value === "boolean" || value === null) return String(value);
  if (typeof value !== "object") {
    throw new TypeError(
      `A message key cannot hold ${typeof value === "number" ? value : `a value of type ${typeof value}`}`,
    );
  }
  if (depth === MAX_DEPTH) {
    throw new TypeError(`A message key cannot be nested deeper than ${MAX_DEPTH}`);
  }
  if (Array.isArray(value)) return writeArray(value, depth + 1);
  if (isUint8Array(value)) return writeBytes(value);
  return writeObject(value, depth + 1);
}

function quote(text: string): string {
  return NEEDS_ESCAPES.test(text) ? JSON.stringify(text) : `"${text}"`;
}

function writeArray(items: readonly unknown[], depth: number): string {
  let text = "[";
  for (let index = 0; index < items.length; index += 1) {
    if (index > 0) text += ",";
    text += write(items[index], depth);
  }
  return `${text}]`;
}

function writeBytes(bytes: Uint8Array): string {
  const text = utf8Text(bytes);
  return text === undefined ? `<${view(bytes).toString("base64")}>` : quote(text);
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function writeObject(value: object, depth: number): string {
  if (!isPlain(value)) {
    throw new TypeError("A message key cannot hold a date, a map or an instance of a class");
  }
  // The default order compares UTF-16 code units, as RFC 8785 asks.
  const names = Object.keys(value).sort();
  let text = "{";
  for (const name of names) {
    if (text.length > 1) text += ",";
    text += `${quote(name)}:${write(value[name], depth)}`;
  }
  return `${text}}`;
}

/** True in any realm: only `Object.prototype` of some realm, or nothing, stands behind a plain object. */
function isPlain(value: object): value is { readonly [name: string]: unknown } {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
