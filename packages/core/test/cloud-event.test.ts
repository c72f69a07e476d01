import { describe, expect, it } from "vitest";
import type { Delivery } from "../src/index.js";
import { cloudEvent } from "../src/index.js";

const key = cloudEvent();
const EVENT = {
  specversion: "1.0",
  type: "paid",
  source: "/billing",
  id: "e-1",
  data: { source: "x", id: "y" },
};
const CONTENT_TYPE = "application/cloudevents+json; charset=utf-8";

describe("cloudEvent in binary mode", () => {
  it.each(["ce_", "cloudEvents:", "cloudEvents_", "ce-", "CE-", "cloudevents_"])(
    "reads %sid and %ssource",
    (prefix) => {
      for (const bytes of [
        (text: string) => Buffer.from(text),
        (text: string) => text,
        (text: string) => [text],
      ]) {
        const headers = {
          [`${prefix}id`]: bytes("e-1"),
          [`${prefix}source`]: bytes("/billing"),
          other: "x",
        };
        expect(key({ topic: "payments", headers })).toEqual(["/billing", "e-1"]);
      }
    },
  );

  it("behaviour 82: reads a tombstone's headers", () => {
    const headers = { ce_id: Buffer.from("e-1"), ce_source: Buffer.from("/billing") };
    expect(key({ topic: "payments", headers, payload: null })).toEqual(["/billing", "e-1"]);
  });

  it("goes before a payload that looks like an event itself", () => {
    const headers = { ce_id: "e-2", ce_source: "/outer", "content-type": "application/json" };
    expect(key({ topic: "payments", headers, payload: EVENT })).toEqual(["/outer", "e-2"]);
  });

  it.each<[string, Record<string, unknown>]>([
    ["no source", { ce_id: "e-1" }],
    ["no id", { ce_source: "/billing" }],
    ["an empty id", { ce_id: "", ce_source: "/billing" }],
    ["an empty source", { ce_id: "e-1", ce_source: Buffer.alloc(0) }],
    ["a number as id", { ce_id: 1, ce_source: "/billing" }],
    ["an id that is no UTF-8", { ce_id: Buffer.from([0xff]), ce_source: "/billing" }],
    ["two different ids", { ce_id: ["e-1", "e-2"], ce_source: "/billing" }],
    ["halves of two spellings", { ce_id: "e-1", "ce-source": "/billing" }],
    ["inherited headers", Object.create({ ce_id: "e-1", ce_source: "/billing" })],
  ])("finds no key with %s", (_, headers) => {
    expect(key({ topic: "payments", headers })).toBeUndefined();
  });

  it("falls back on a second spelling that is whole", () => {
    const headers = { ce_id: "e-1", "ce-id": "e-2", "ce-source": "/billing" };
    expect(key({ topic: "payments", headers })).toEqual(["/billing", "e-2"]);
  });
});

describe("cloudEvent in structured mode", () => {
  const text = JSON.stringify(EVENT);

  it.each<[string, Omit<Delivery, "topic">]>([
    ["bytes", { payload: Buffer.from(text) }],
    ["text", { payload: text }],
    ["a parsed payload", { payload: EVENT }],
    [
      "bytes with a content type",
      { payload: Buffer.from(text), headers: { "Content-Type": Buffer.from(CONTENT_TYPE) } },
    ],
    [
      "a content type, and headers of an outer event",
      {
        payload: text,
        headers: { "content-type": CONTENT_TYPE, ce_id: "e-2", ce_source: "/outer" },
      },
    ],
  ])("behaviour 18: gives the key of binary mode for %s", (_, delivery) => {
    expect(key({ topic: "payments", ...delivery })).toEqual(["/billing", "e-1"]);
  });

  it.each<[string, Delivery["payload"]]>([
    ["no specversion", JSON.stringify({ ...EVENT, specversion: undefined })],
    ["no specversion in a parsed payload", { id: "e-1", source: "/billing" }],
    [
      "the specversion of another event inside",
      JSON.stringify({ id: "e-1", source: "/billing", data: EVENT }),
    ],
    ["no source", JSON.stringify({ ...EVENT, source: undefined })],
    ["no id", JSON.stringify({ ...EVENT, id: undefined })],
    ["an empty id", JSON.stringify({ ...EVENT, id: "" })],
    ["a number as id", JSON.stringify({ ...EVENT, id: 1 })],
    ["a batch", JSON.stringify([EVENT])],
    ["broken JSON", text.slice(0, -1)],
    ["inherited attributes", Object.create(EVENT) as typeof EVENT],
    ["a tombstone", null],
    ["no bytes", Buffer.alloc(0)],
    ["bytes that are no UTF-8", Buffer.from([0x7b, 0xff])],
    ["a number", 5],
  ])("finds no key with %s", (_, payload) => {
    expect(key({ topic: "payments", payload: payload ?? null })).toBeUndefined();
  });

  it("finds no key in the headers when the content type promises a payload that is not there", () => {
    const headers = { "content-type": CONTENT_TYPE, ce_id: "e-2", ce_source: "/outer" };
    expect(key({ topic: "payments", headers })).toBeUndefined();
  });
});

it("keeps source and id apart", () => {
  const of = (source: string, id: string): unknown =>
    key({ topic: "payments", headers: { ce_id: id, ce_source: source } });
  expect(of("/a", "b")).not.toEqual(of("/", "ab"));
});
