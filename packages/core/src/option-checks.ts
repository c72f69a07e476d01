/** Quotes a value for an error message: short, and never a payload. */
export function quote(value: unknown): string {
  if (typeof value === "string")
    return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null)
    return Array.isArray(value) ? "an array" : "an object";
  return String(value);
}

export function requireObject(
  name: string,
  value: unknown,
): asserts value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} must be an object, got ${quote(value)}`);
  }
}

/** Throws for a property that is not in `known`: a misspelt option must not be ignored. */
export function refuseUnknown(name: string, value: object, known: readonly string[]): void {
  for (const property of Object.keys(value)) {
    if (!known.includes(property)) {
      throw new TypeError(
        `unknown option ${quote(property)} in ${name}: ${quote(Reflect.get(value, property))}. Known: ${known.join(", ")}`,
      );
    }
  }
}

/** The longest delay that Node's timers can express, in milliseconds: about 24.8 days. */
export const LONGEST_TIMER_MS = 2_147_483_647;

export function requireInteger(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== "number")
    throw new TypeError(`${name} must be a number, got ${quote(value)}`);
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(
      `${name} must be a whole number from ${min} to ${max}, got ${quote(value)}`,
    );
  }
  return value;
}

export function requireFunction(name: string, value: unknown): void {
  if (typeof value !== "function")
    throw new TypeError(`${name} must be a function, got ${quote(value)}`);
}

export function requireOneOf<const T extends string>(
  name: string,
  value: unknown,
  allowed: readonly T[],
): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) {
    throw new TypeError(`${name} must be one of ${allowed.join(", ")}, got ${quote(value)}`);
  }
  return found;
}
