import type { Span } from "./model-span.js";

/** What a reply must agree with: a number in a span, or (`isOptional`) nothing at all. */
export class Within {
  readonly #span: Span;
  readonly #isOptional: boolean;

  constructor(span: Span, isOptional = false) {
    this.#span = span;
    this.#isOptional = isOptional;
  }

  admits(actual: unknown): boolean {
    if (actual === undefined) return this.#isOptional;
    if (typeof actual !== "number") return false;
    return actual >= Math.max(0, this.#span.fromMs) && actual <= Math.max(0, this.#span.toMs);
  }

  toString(): string {
    const { fromMs, toMs } = this.#span;
    return fromMs === toMs ? `${fromMs} ms` : `${fromMs} to ${toMs} ms`;
  }
}

/** What a reply may be, whatever it is. */
export const ANYTHING: unique symbol = Symbol("anything");

/** Whether a reply is what the model expects, field by field; a field that is undefined is as good as absent. */
export function agrees(expected: unknown, actual: unknown): boolean {
  if (expected === ANYTHING) return true;
  if (expected instanceof Within) return expected.admits(actual);
  if (expected instanceof Uint8Array) {
    return actual instanceof Uint8Array && Buffer.compare(expected, actual) === 0;
  }
  if (!isObject(expected) || !isObject(actual)) return Object.is(expected, actual);
  for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    if (!agrees(expected[name], actual[name])) return false;
  }
  return true;
}

/** A reply, or what is expected of one, in a line. */
export function shown(value: unknown): string {
  if (value === ANYTHING) return "anything";
  if (value instanceof Within) return String(value);
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString("hex")}`;
  if (value instanceof Error) return value.message;
  if (!isObject(value)) return String(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{ ${fields.map(([name, field]) => `${name}: ${shown(field)}`).join(", ")} }`;
}

/** What a reply says in a word. */
export function statusOf(reply: unknown): unknown {
  return isObject(reply) ? reply.status : reply;
}

/** What a claim was granted. */
export function grantOf(reply: unknown): number | undefined {
  return isObject(reply) && typeof reply.grant === "number" ? reply.grant : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
