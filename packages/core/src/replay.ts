import type { AttendOptions } from "./attend.js";
import type { Engine } from "./engine.js";
import type { Json } from "./json.js";
import { requireInteger } from "./option-checks.js";
import type { Subject } from "./subject.js";

/** Turns results into bytes that are kept with the completion, and back. */
export interface Codec<Result> {
  /** A larger result is not stored; the message still counts as processed. In bytes. */
  readonly maxBytes: number;
  encode(value: Result): Uint8Array;
  decode(stored: Uint8Array): Result;
}

/** Keeps results as JSON. `maxBytes`: 1 to 1,048,576; default 4,096. */
export function jsonCodec<Result extends Json>(
  options: { readonly maxBytes?: number } = {},
): Codec<Result> {
  const maxBytes = requireInteger("jsonCodec.maxBytes", options.maxBytes ?? 4_096, 1, 1_048_576);
  return {
    maxBytes,
    encode: (value) => new TextEncoder().encode(JSON.stringify(value)),
    decode: (stored) => JSON.parse(new TextDecoder().decode(stored)) as Result,
  };
}

/** A result that can't be stored is reported and never changes the outcome: the work is done. */
export function encodeResult(
  engine: Engine,
  subject: Subject,
  options: AttendOptions,
  value: unknown,
): Uint8Array | undefined {
  if (options.encode === undefined) return undefined;
  try {
    return options.encode(value);
  } catch (error) {
    engine.observers.incident({ kind: "result_not_stored", delivery: subject.delivery, error });
    return undefined;
  }
}
