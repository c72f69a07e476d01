const BRAND = Symbol.for("@onlyonce/error");
const PERMANENT = Symbol.for("@onlyonce/permanent-error");

export type OnlyOnceErrorCode =
  `ERR_ONLYONCE_${"BUSY" | "CONFLICT" | "POISON" | "KEY_MISSING" | "STORE" | "ABORTED" | "CLOSED"}`;

function isBranded(value: unknown, brand: symbol): boolean {
  return typeof value === "object" && value !== null && Reflect.get(value, brand) === true;
}

/** Every error that onlyonce itself makes. `cause` carries what the store or the broker said. */
export class OnlyOnceError extends Error {
  readonly code: OnlyOnceErrorCode;
  /** Whether delivering the message again can help. */
  readonly retriable: boolean;
  /** When to try again at the earliest, in milliseconds; undefined where nothing is known. */
  readonly retryAfterMs?: number;

  constructor(
    code: OnlyOnceErrorCode,
    message: string,
    options: {
      readonly cause?: unknown;
      readonly retriable?: boolean;
      readonly retryAfterMs?: number;
    } = {},
  ) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.name = "OnlyOnceError";
    this.code = code;
    this.retriable = options.retriable ?? true;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** By brand, not by class: works across two copies of the library. */
  static is(value: unknown): value is OnlyOnceError {
    return isBranded(value, BRAND);
  }
}

/** Thrown by a handler: retrying cannot help; the message goes to the dead-letter path at once. */
export class PermanentError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PermanentError";
    Object.defineProperty(this, PERMANENT, { value: true });
  }

  /** By brand, not by class: works across two copies of the library. */
  static is(value: unknown): value is PermanentError {
    return isBranded(value, PERMANENT);
  }
}
