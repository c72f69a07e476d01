/**
 * Telemetry never hurts a message: whatever a tracer, a meter, a bridge of a vendor or a callback throws ends here, and
 * what would have been told is lost.
 */
export function guarded<Value>(call: () => Value): Value | undefined {
  try {
    return call();
  } catch {
    return undefined;
  }
}
