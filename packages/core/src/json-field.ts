import { isUint8Array } from "node:util/types";
import type { Delivery } from "./delivery.js";
import type { Json } from "./json.js";
import { parseJsonText, payloadText } from "./json-text.js";
import type { KeyStrategy } from "./key-strategy.js";
import { isKey } from "./message-key.js";
import { quote } from "./option-checks.js";

/**
 * Fields of a JSON payload, by JSON Pointer (RFC 6901): the value of one pointer, or the list of the values of several.
 * Bytes and text are parsed once for all pointers. No key if the payload is not JSON or if any field is missing, null
 * or empty. Numbers that JavaScript cannot hold exactly, such as 64-bit ids, count as the string of their digits; in a
 * payload that was parsed already their digits are gone, and there is no key.
 */
export function jsonField(...pointers: readonly [string, ...string[]]): KeyStrategy {
  const paths = pointers.map(parsePointer);
  const [first, ...more] = paths;
  if (first === undefined) throw new TypeError("jsonField needs at least one pointer, got none");
  return ({ payload }) => {
    const document = documentOf(payload);
    if (document === undefined) return undefined;
    if (more.length === 0) return fieldAt(document, first);
    const values: Json[] = [];
    for (const path of paths) {
      const value = fieldAt(document, path);
      if (value === undefined) return undefined;
      values.push(value);
    }
    return values;
  };
}

function parsePointer(pointer: unknown): readonly string[] {
  if (typeof pointer !== "string" || !pointer.startsWith("/")) {
    throw new TypeError(
      `jsonField: a pointer must be a string that starts with "/", got ${quote(pointer)}`,
    );
  }
  if (/~(?![01])/.test(pointer)) {
    throw new TypeError(
      `jsonField: "~" must be followed by 0 or 1 in the pointer ${quote(pointer)}`,
    );
  }
  return pointer
    .slice(1)
    .split("/")
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function documentOf(payload: Delivery["payload"]): Json | undefined {
  if (typeof payload !== "string" && !isUint8Array(payload)) return payload;
  const text = payloadText(payload);
  return text === undefined ? undefined : parseJsonText(text);
}

function fieldAt(document: Json, path: readonly string[]): Json | undefined {
  let value: Json | undefined = document;
  for (const name of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = step(value, name);
  }
  const isVague =
    typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
  return isVague || !isKey(value) ? undefined : value;
}

function step(
  value: readonly Json[] | { readonly [name: string]: Json },
  name: string,
): Json | undefined {
  if (isArray(value)) return /^(?:0|[1-9]\d*)$/.test(name) ? value[Number(name)] : undefined;
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

function isArray(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
