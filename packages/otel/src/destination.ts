import type { Delivery } from "@onlyonce/core";
import type { ResolvedOptions } from "./options.js";

/** Names that a broker makes up differ with every consumer: as a name of a span or a metric they say nothing. */
const MADE_UP = /^amq\.(?:gen|ctag)/;
const ANONYMOUS = "(anonymous)";

/** What spans are named after, and metrics are grouped by. Throws what the option `destination` throws. */
export function destinationOf(delivery: Delivery, options: ResolvedOptions): string {
  const named = options.destination?.(delivery);
  if (typeof named === "string" && named !== "") return named;
  return knownName(delivery.transport?.destination ?? delivery.topic);
}

/** As the conventions spell the destination of an AMQP message: exchange, routing key and queue, without empty ones. */
export function fullDestination(delivery: Delivery, short: string): string {
  const { exchange = "", routingKey = "", system } = delivery.transport ?? {};
  if (system !== "rabbitmq") return short;
  const parts = exchange === "" && routingKey === short ? [short] : [exchange, routingKey, short];
  return parts.filter((part) => part !== "").join(":");
}

function knownName(name: string): string {
  return name === "" || MADE_UP.test(name) ? ANONYMOUS : name;
}
