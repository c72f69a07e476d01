import { describe, expect, it } from "vitest";
import { deliveryOf, type KafkaRecord } from "../src/record.js";

const record: KafkaRecord = {
  key: Buffer.from("account-7"),
  value: Buffer.from("{}"),
  offset: "42",
  timestamp: "1700000000000",
  headers: {},
};

describe("a record as a delivery", () => {
  it("has topic, partition, offset and timestamp as coordinates, so a topic that was made again collides with nothing", () => {
    expect(deliveryOf({ topic: "payments", partition: 3 }, record).coordinates).toBe(
      "payments/3/42/1700000000000",
    );
    const again = deliveryOf(
      { topic: "payments", partition: 3 },
      { ...record, timestamp: "1700000000001" },
    );
    expect(again.coordinates).not.toBe("payments/3/42/1700000000000");
  });

  it("never has an id of its own, and is never called a redelivery", () => {
    const delivery = deliveryOf(
      { topic: "payments", partition: 0 },
      { ...record, headers: { id: "h-1" } },
    );
    expect(delivery).not.toHaveProperty("id");
    expect(delivery).not.toHaveProperty("redelivered");
  });

  it("names the consumer group where it is known", () => {
    expect(
      deliveryOf({ topic: "payments", partition: 0, groupId: "billing" }, record),
    ).toHaveProperty("consumerGroup", "billing");
    expect(deliveryOf({ topic: "payments", partition: 0 }, record)).not.toHaveProperty(
      "consumerGroup",
    );
  });

  it("of a topic that is guarded as another keeps its own coordinates", () => {
    const source = { topic: "payments.retry", partition: 3, guardedAs: "payments" };
    expect(deliveryOf(source, record)).toMatchObject({
      topic: "payments",
      coordinates: "payments.retry/3/42/1700000000000",
    });
  });

  it("carries the bytes of key and value untouched", () => {
    const delivery = deliveryOf({ topic: "payments", partition: 0 }, record);
    expect(delivery.payload).toBe(record.value);
    expect(delivery.recordKey).toBe(record.key);
  });

  it.each([
    ["a null key", { key: null }, "recordKey"],
    ["no key", { key: undefined }, "recordKey"],
    ["a tombstone (behaviour 82)", { value: null }, "payload"],
    ["headers of a format that knows none", { headers: undefined }, "headers"],
  ])("leaves out what %s does not have", (_, change, absent) => {
    const delivery = deliveryOf({ topic: "payments", partition: 0 }, {
      ...record,
      ...change,
    } as KafkaRecord);
    expect(delivery).not.toHaveProperty(absent);
  });

  it("tells an empty value from a tombstone", () => {
    expect(
      deliveryOf({ topic: "payments", partition: 0 }, { ...record, value: Buffer.alloc(0) })
        .payload,
    ).toEqual(Buffer.alloc(0));
  });

  it.each<[string, unknown, unknown]>([
    ["bytes", Buffer.from("a"), Buffer.from("a")],
    ["text", "a", "a"],
    ["nothing in it", "", ""],
    ["a repeated name", [Buffer.from("a"), "b"], [Buffer.from("a"), "b"]],
    ["a repeated name with nulls", ["a", null, undefined], ["a"]],
  ])("keeps a header of %s", (_, given, kept) => {
    const delivery = deliveryOf(
      { topic: "payments", partition: 0 },
      {
        ...record,
        headers: { id: given } as KafkaRecord["headers"] & object,
      },
    );
    expect(delivery.headers).toEqual({ id: kept });
  });

  it.each([
    ["null", null],
    ["undefined", undefined],
  ])("takes a header that is %s for missing", (_, given) => {
    const delivery = deliveryOf(
      { topic: "payments", partition: 0 },
      { ...record, headers: { id: given } },
    );
    expect(Object.keys(delivery.headers ?? {})).toEqual([]);
  });

  it("reads only what the record itself carries", () => {
    const inherited: { [name: string]: string } = Object.create({ id: "not mine" });
    inherited.mine = "1";
    const { headers } = deliveryOf(
      { topic: "payments", partition: 0 },
      { ...record, headers: inherited },
    );
    expect(headers?.id).toBeUndefined();
    expect(headers?.constructor).toBeUndefined();
    expect(headers?.mine).toBe("1");
  });

  it("keeps a header named __proto__ as data", () => {
    const headers: { [name: string]: string } = JSON.parse('{"__proto__":"x","id":"1"}');
    const delivery = deliveryOf({ topic: "payments", partition: 0 }, { ...record, headers });
    expect(Object.entries(delivery.headers ?? {})).toEqual([
      ["__proto__", "x"],
      ["id", "1"],
    ]);
    expect(({} as { x?: string }).x).toBeUndefined();
  });
});
