/**
 * How often the broker had delivered a message before this time, by its `x-delivery-count` header. Quorum queues leave
 * it out on the first delivery and classic queues always do: both count as 0, as does anything unreadable. Shovels and
 * bridges turn numbers into strings.
 */
export function deliveryCount(headers: Readonly<Record<string, unknown>> | undefined): number {
  if (headers === undefined || !Object.hasOwn(headers, "x-delivery-count")) return 0;
  const raw = headers["x-delivery-count"];
  const count = typeof raw === "string" && !/^\d+$/.test(raw) ? Number.NaN : Number(raw);
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}

/**
 * Whether a message is so near the limit of its quorum queue that it must not be handed back if that can be avoided:
 * every hand-back counts (before RabbitMQ 4.3), and one over the limit deletes the message. At the default limit of
 * 20 that is from the 15th redelivery on.
 */
export function isNearLimit(count: number, deliveryLimit: number): boolean {
  return count >= Math.floor((deliveryLimit * 3) / 4);
}
