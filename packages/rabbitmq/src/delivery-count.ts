/**
 * How often the broker had delivered a message before this time, by its `x-delivery-count` header. Quorum queues leave
 * it out on the first delivery and classic queues always do: both count as 0, as does anything unreadable. Shovels and
 * bridges turn numbers into strings.
 */
export function deliveryCount(headers: Readonly<Record<string, unknown>> | undefined): number {
  if (headers === undefined || !Object.hasOwn(headers, "x-delivery-count")) return 0;
  return countOf(headers["x-delivery-count"]);
}

/**
 * How often a message was rejected from `queue` and came back, by the `x-death` header: a list of tables, one for each
 * queue and reason. Some bridges leave the list out where there is one table. 0 for what is absent or unreadable.
 */
export function deathCount(
  headers: Readonly<Record<string, unknown>> | undefined,
  queue: string,
): number {
  if (headers === undefined || !Object.hasOwn(headers, "x-death")) return 0;
  return [headers["x-death"]]
    .flat()
    .map(Object)
    .filter((death) => Reflect.get(death, "queue") === queue)
    .filter((death) => Reflect.get(death, "reason") === "rejected")
    .reduce((sum: number, death) => sum + countOf(Reflect.get(death, "count")), 0);
}

/** Clients read a 64-bit integer as a number, as a bigint, or as an object that says its digits. */
function countOf(raw: unknown): number {
  const isNumber = typeof raw === "number" || typeof raw === "bigint";
  const count = isNumber || /^\d+$/.test(digitsOf(raw)) ? Number(raw) : 0;
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}

function digitsOf(raw: unknown): string {
  if (typeof raw === "string") return raw;
  const isLong =
    typeof raw === "object" && raw !== null && typeof Reflect.get(raw, "toNumber") === "function";
  return isLong ? String(raw) : "";
}

/**
 * Whether a message is so near the limit of its quorum queue that it must not be handed back if that can be avoided:
 * every hand-back counts (before RabbitMQ 4.3), and one over the limit deletes the message. At the default limit of
 * 20 that is from the 15th redelivery on.
 */
export function isNearLimit(count: number, deliveryLimit: number): boolean {
  return count >= Math.floor((deliveryLimit * 3) / 4);
}
