import { headerId } from "./header-value.js";
import type { KeyStrategy } from "./key-strategy.js";
import { isKey, type MessageKey } from "./message-key.js";
import { quote, requireFunction } from "./option-checks.js";

/**
 * The header with this name; if there is none, one whose name differs only in case. Numbers stay numbers. A header
 * that repeats with different values is the list of them. No key: missing, null, empty, a boolean, a table, a number
 * that JavaScript cannot hold exactly.
 */
export function header(name: string): KeyStrategy {
  if (typeof name !== "string" || name === "") {
    throw new TypeError(`header: name must be a string that is not empty, got ${quote(name)}`);
  }
  return (delivery) => headerId(delivery.headers, name);
}

/** The message's own id, where the producer set one that is not empty. */
export function messageId(): KeyStrategy {
  return ({ id }) => (typeof id === "string" && id !== "" ? id : undefined);
}

/**
 * Where the broker keeps the message. Recognises redeliveries only: a producer that sends twice, or a copy in a retry
 * topic, has other coordinates.
 */
export function coordinates(): KeyStrategy {
  return ({ coordinates: place }) =>
    typeof place === "string" && place !== "" ? place : undefined;
}

/** The keys of all parts together, in order. No key if any part finds none. */
export function compose(...parts: readonly KeyStrategy[]): KeyStrategy {
  requireStrategies("compose", parts);
  return (delivery) => {
    const keys: MessageKey[] = [];
    for (const part of parts) {
      const key = part(delivery);
      if (!isKey(key)) return undefined;
      keys.push(key);
    }
    return keys;
  };
}

/**
 * The key of the first strategy that finds one. Equal values of different strategies are one key: an id is the same
 * message whether a header or a property carries it.
 */
export function firstOf(...strategies: readonly KeyStrategy[]): KeyStrategy {
  requireStrategies("firstOf", strategies);
  return (delivery) => {
    for (const strategy of strategies) {
      const key = strategy(delivery);
      if (isKey(key)) return key;
    }
    return undefined;
  };
}

function requireStrategies(name: string, strategies: readonly KeyStrategy[]): void {
  if (strategies.length === 0)
    throw new TypeError(`${name} needs at least one key strategy, got none`);
  for (const [index, strategy] of strategies.entries()) {
    requireFunction(`${name}: key strategy ${index + 1}`, strategy);
  }
}
