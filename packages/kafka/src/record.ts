import type { Delivery, Transport } from "@onlyonce/core/adapter";

/** A header as clients hand it over: repeated headers arrive as an array, and a null header as `null`. */
export type KafkaHeader = Buffer | string | readonly (Buffer | string)[] | null | undefined;

/** A record as `kafkajs` and KafkaJS-compatible clients hand it over. */
export interface KafkaRecord {
  /** The record key: an entity id, never a message id. */
  readonly key?: Buffer | string | null;
  /** `null` for a tombstone. */
  readonly value: Buffer | string | null;
  readonly offset: string;
  /** Milliseconds since 1970, as text. */
  readonly timestamp: string;
  /** Missing where the record has none, or was written in a format that knows none. */
  readonly headers?: { readonly [name: string]: KafkaHeader };
}

/**
 * Only what the record itself carries: a header named `__proto__` or `constructor` can neither hide another one nor
 * stand in for it. Null counts as missing.
 */
function headersOf(headers: { readonly [name: string]: KafkaHeader }): Record<string, unknown> {
  const own = Object.create(null) as Record<string, unknown>;
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (value === null || value === undefined) continue;
    own[name] = Array.isArray(value)
      ? value.filter((item) => item !== null && item !== undefined)
      : value;
  }
  return own;
}

/** Where records come from, and how their deliveries are named. */
export interface RecordSource {
  readonly topic: string;
  readonly partition: number;
  /** The topic under which they are guarded, if that is another one. */
  readonly guardedAs?: string | undefined;
  readonly groupId?: string | undefined;
  readonly transport?: Transport;
}

/**
 * A record in the terms of core. It never has an `id`: Kafka knows none, so ids come from headers or from the payload.
 * The coordinates hold the timestamp too, so that a topic that was deleted and made again collides with nothing.
 */
export function deliveryOf(source: RecordSource, record: KafkaRecord): Delivery {
  const { topic, partition, guardedAs = topic, groupId, transport } = source;
  const { key, value, headers } = record;
  return {
    topic: guardedAs,
    coordinates: `${topic}/${partition}/${record.offset}/${record.timestamp}`,
    offset: record.offset,
    ...(transport !== undefined && { transport }),
    ...(groupId !== undefined && { consumerGroup: groupId }),
    ...(value !== null && value !== undefined && { payload: value }),
    ...(key !== null && key !== undefined && { recordKey: key }),
    ...(headers !== null && headers !== undefined && { headers: headersOf(headers) }),
  };
}
