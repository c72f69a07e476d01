import { isUint8Array } from "node:util/types";
import { canonicalJson } from "./canonical-json.js";
import type { Delivery } from "./delivery.js";
import { isKey, type MessageKey } from "./message-key.js";

/** Own properties only (`__proto__` can be a header); the exact name first, then the first that differs only in case. */
export function headerValue(headers: Delivery["headers"], name: string): unknown {
  if (typeof headers !== "object" || headers === null) return undefined;
  if (Object.hasOwn(headers, name)) return headers[name];
  const lower = name.toLowerCase();
  for (const candidate of Object.keys(headers)) {
    if (candidate.length === name.length && candidate.toLowerCase() === lower) {
      return headers[candidate];
    }
  }
  return undefined;
}

/** A header as a message key: see `header` for what counts as one. */
export function headerId(headers: Delivery["headers"], name: string): MessageKey | undefined {
  const value = headerValue(headers, name);
  return Array.isArray(value) ? repeatedId(value) : singleId(value);
}

function singleId(value: unknown): string | number | Uint8Array | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  if (typeof value === "number") return isExact(value) ? value : undefined;
  if (typeof value === "bigint") {
    const number = Number(value);
    return isExact(number) ? number : String(value);
  }
  return isUint8Array(value) && value.length > 0 ? value : undefined;
}

function repeatedId(values: readonly unknown[]): MessageKey | undefined {
  const different = new Map<string, MessageKey>();
  for (const value of values) {
    const id = singleId(value);
    if (id !== undefined) different.set(canonicalJson(id), id);
  }
  const ids = [...different.values()];
  return ids.length === 1 ? ids[0] : isKey(ids) ? ids : undefined;
}

/** Beyond the safe integers a number equals its neighbours, and so would two ids. */
function isExact(value: number): boolean {
  return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
}
