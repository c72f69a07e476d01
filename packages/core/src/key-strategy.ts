import type { Delivery } from "./delivery.js";
import type { MessageKey } from "./message-key.js";

/**
 * Computes what makes two deliveries the same message; undefined = this strategy finds no key. So do `null` and
 * whatever is empty. Must depend on nothing but the delivery, and must not change it. Throwing counts as no key.
 */
export type KeyStrategy = (delivery: Delivery) => MessageKey | undefined;
