import { isUint8Array } from "node:util/types";
import { utf8Text } from "./canonical-json.js";
import type { Delivery } from "./delivery.js";
import { headerId, headerValue } from "./header-value.js";
import { parseJsonText, payloadText } from "./json-text.js";
import type { KeyStrategy } from "./key-strategy.js";
import type { MessageKey } from "./message-key.js";

type Headers = Delivery["headers"];

/** Kafka, AMQP (two spellings), HTTP. */
const PREFIXES = ["ce_", "cloudEvents:", "cloudEvents_", "ce-"] as const;

/**
 * Source and id of a CloudEvent, which together are unique: from headers (binary mode: `ce_id`, `cloudEvents:id`,
 * `cloudEvents_id` or `ce-id`, and the source beside it, taken as they stand) or from a JSON object with `specversion`,
 * `source` and `id` (structured mode). Both modes give the same key. If the header `content-type` says
 * `application/cloudevents…`, only the payload counts.
 */
export function cloudEvent(): KeyStrategy {
  return ({ headers, payload }) => {
    const isStructured = textOf(headerValue(headers, "content-type"))
      ?.toLowerCase()
      .startsWith("application/cloudevents");
    return (isStructured ? undefined : fromHeaders(headers)) ?? fromPayload(payload);
  };
}

function fromHeaders(headers: Headers): MessageKey | undefined {
  for (const prefix of PREFIXES) {
    const id = textOf(headerId(headers, `${prefix}id`));
    if (id === undefined) continue;
    const source = textOf(headerId(headers, `${prefix}source`));
    if (source !== undefined) return [source, id];
  }
  return undefined;
}

function fromPayload(payload: Delivery["payload"]): MessageKey | undefined {
  const text = payloadText(payload);
  // Most messages are no events: looking for the name costs a tenth of parsing them.
  if (text !== undefined && !text.includes('"specversion"')) return undefined;
  const event: unknown = text === undefined ? payload : parseJsonText(text);
  if (typeof event !== "object" || event === null || isUint8Array(event)) return undefined;
  const source = attribute(event, "source");
  const id = attribute(event, "id");
  if (source === undefined || id === undefined) return undefined;
  return attribute(event, "specversion") === undefined ? undefined : [source, id];
}

function attribute(event: object, name: string): string | undefined {
  return Object.hasOwn(event, name) ? textOf(Reflect.get(event, name)) : undefined;
}

/** Attributes are strings that are not empty. */
function textOf(value: unknown): string | undefined {
  const text = isUint8Array(value) ? utf8Text(value) : value;
  return typeof text === "string" && text !== "" ? text : undefined;
}
