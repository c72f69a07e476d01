import type { AttendOptions } from "@onlyonce/core/adapter";
import { type AmqpMessage, isFromStream } from "./delivery.js";
import type { ResolvedOptions } from "./options.js";
import type { RetryExchange } from "./retry-exchange.js";

/**
 * Where a poison message goes. A stream never dead-letters (a reject there only moves past the message), so for its
 * messages a dead-letter exchange is no target.
 */
export function deadLetterTarget(
  options: Pick<ResolvedOptions, "deadLetter" | "deadLetterExchange">,
  message: AmqpMessage,
  retry?: RetryExchange,
): AttendOptions["deadLetter"] {
  const { deadLetter, deadLetterExchange } = options;
  if (deadLetter !== undefined) return async (why) => deadLetter(message, why);
  if (deadLetterExchange) return isFromStream(message) ? undefined : "reject";
  return retry?.hasDeadLetter === true ? () => retry.deadLetter(message) : undefined;
}
