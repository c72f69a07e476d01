import { cloudEvent, header, messageId } from "@onlyonce/core";
import { describe, expect, it } from "vitest";
import { type AmqpProperties, isFromStream, toDelivery } from "../src/delivery.js";

function message(properties: AmqpProperties, redelivered = false) {
  return { content: Buffer.from("body"), fields: { deliveryTag: 7, redelivered }, properties };
}

describe("an AMQP message becomes a delivery", () => {
  it("whose topic is the queue and whose payload is the body", () => {
    const delivery = toDelivery("payments", message({ messageId: "m-1" }));
    expect(delivery).toEqual({
      topic: "payments",
      id: "m-1",
      payload: Buffer.from("body"),
      headers: {},
      redelivered: false,
      transport: { system: "rabbitmq", destination: "payments", deliveryTag: 7 },
    });
  });

  it.each([undefined, null, "", 7, true, {}, ["m-1"], Buffer.from("m-1")])(
    "without an id when messageId is %o",
    (messageIdOnTheWire) => {
      const delivery = toDelivery("payments", message({ messageId: messageIdOnTheWire }));
      expect(delivery).not.toHaveProperty("id");
    },
  );

  it("that knows when it was delivered before", () => {
    expect(toDelivery("payments", message({}, true)).redelivered).toBe(true);
  });

  it("that came back from the retry exchange was delivered before", () => {
    const back = message({ headers: { "x-onlyonce-retries": 1 } });
    expect(toDelivery("payments", back).redelivered).toBe(true);
  });

  it("says for telemetry how it came, under its own queue where it is guarded as another", () => {
    const sent = {
      ...message({ headers: { "x-delivery-count": 2 } }),
      fields: { deliveryTag: 9, redelivered: true, exchange: "orders", routingKey: "eu" },
    };
    expect(toDelivery("billing.retry", sent, "billing").transport).toEqual({
      system: "rabbitmq",
      destination: "billing.retry",
      exchange: "orders",
      routingKey: "eu",
      deliveryTag: 9,
      deliveryCount: 2,
    });
  });

  it("with its headers as they are", () => {
    const headers = {
      text: "a",
      bytes: Buffer.from("b"),
      number: 3,
      missing: null,
      nested: { at: { "!": "timestamp", value: 5 } },
      list: [1, "x"],
    };
    expect(toDelivery("payments", message({ headers })).headers).toBe(headers);
  });

  it("with the properties that key strategies look for among the headers", () => {
    const { headers } = toDelivery(
      "payments",
      message({
        headers: { own: 1 },
        contentType: "application/json",
        contentEncoding: "gzip",
        correlationId: "c-1",
        type: "payment",
        appId: "shop",
      }),
    );
    expect(headers).toEqual({
      own: 1,
      "content-type": "application/json",
      "content-encoding": "gzip",
      "correlation-id": "c-1",
      type: "payment",
      "app-id": "shop",
    });
  });

  it("whose own headers win over properties, and are not changed", () => {
    const own = Object.freeze({ type: "mine" });
    const { headers } = toDelivery("q", message({ headers: own, type: "theirs", appId: "shop" }));
    expect(headers).toEqual({ type: "mine", "app-id": "shop" });
    expect(own).toEqual({ type: "mine" });
  });

  it("and a header named __proto__ stays a header", () => {
    const headers = JSON.parse('{"__proto__": {"id": "x"}, "a": 1}') as Record<string, unknown>;
    const delivery = toDelivery("q", message({ headers, contentType: "text/plain" }));
    expect(Object.getPrototypeOf(delivery.headers)).toBe(Object.prototype);
    expect(Object.hasOwn(delivery.headers ?? {}, "__proto__")).toBe(true);
  });

  it("in which the built-in key strategies find what the producer set", () => {
    const delivery = toDelivery(
      "q",
      message({ messageId: "m-1", correlationId: "c-1", headers: { "idempotency-key": "k-1" } }),
    );
    expect(messageId()(delivery)).toBe("m-1");
    expect(header("idempotency-key")(delivery)).toBe("k-1");
    expect(header("correlation-id")(delivery)).toBe("c-1");
  });

  it("in which a structured CloudEvent is recognised by its content type", () => {
    const event = { specversion: "1.0", id: "e-1", source: "/shop", type: "paid" };
    const delivery = toDelivery("q", {
      ...message({ contentType: "application/cloudevents+json; charset=utf-8" }),
      content: Buffer.from(JSON.stringify(event)),
    });
    expect(cloudEvent()(delivery)).toBeDefined();
    const other = { ...delivery, payload: Buffer.from(JSON.stringify({ ...event, id: "e-2" })) };
    expect(cloudEvent()(other)).not.toEqual(cloudEvent()(delivery));
  });
});

describe("coordinates", () => {
  it("exist for streams only: a queue has no stable place for a message", () => {
    expect(toDelivery("payments", message({ messageId: "m" }))).not.toHaveProperty("coordinates");
    expect(isFromStream(message({}))).toBe(false);
  });

  it.each([
    [0, "log@0"],
    [42, "log@42"],
    [42n, "log@42"],
  ])("name the stream and the offset %s", (offset, expected) => {
    const inStream = message({ headers: { "x-stream-offset": offset } });
    expect(toDelivery("log", inStream).coordinates).toBe(expected);
    expect(isFromStream(inStream)).toBe(true);
  });

  it("differ between two lives of a re-created stream whose producer sets a timestamp", () => {
    const at = (timestamp: number) =>
      toDelivery("log", message({ headers: { "x-stream-offset": 1 }, timestamp })).coordinates;
    expect(at(1_700_000_000)).not.toBe(at(1_700_000_001));
  });
});
