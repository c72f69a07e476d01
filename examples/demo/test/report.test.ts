import { describe, expect, it } from "vitest";
import { type Audit, audit } from "../src/audit.js";
import { complaints, json, type Report, remarks, table } from "../src/report.js";
import { Story } from "./evidence.js";

function report(payments: Partial<Audit>, changes: Partial<Report> = {}): Report {
  const clean = audit(new Story("kafka").publish("a/1").runs("one", 1, "a/1").evidence);
  return {
    isOff: false,
    isEmbedded: false,
    seed: 1,
    seconds: 12.3456,
    folder: "/somewhere",
    results: [
      { broker: "rabbitmq", audit: { ...clean, ...payments }, left: 0, seconds: 4 },
      { broker: "kafka", audit: clean, left: 0, seconds: 5 },
    ],
    ...changes,
  };
}

describe("a run fails", () => {
  it("not when every message had one effect", () => {
    expect(complaints(report({}))).toEqual([]);
  });

  it("when a message was lost, protected or not", () => {
    expect(complaints(report({ lost: 2 }))).toEqual([
      expect.stringContaining("2 messages were lost"),
    ]);
    expect(complaints(report({ lost: 2 }, { isOff: true }))).toHaveLength(1);
  });

  it("when an effect is doubled and no kill explains it", () => {
    const texts = complaints(report({ doubled: 3, explained: 1 }));
    expect(texts).toEqual([expect.stringContaining("2 effects are doubled")]);
  });

  it("not when a kill explains every double", () => {
    expect(complaints(report({ doubled: 1, explained: 1 }))).toEqual([]);
  });

  it("not because of doubles without protection", () => {
    expect(complaints(report({ doubled: 80 }, { isOff: true }))).toEqual([]);
  });
});

it("what a broker kept at the end is remarked and fails nothing", () => {
  const clean = report({});
  const results = clean.results.map((result) => ({ ...result, left: 4 }));
  expect(remarks(clean)).toEqual([]);
  expect(remarks({ ...clean, results })).toHaveLength(2);
  expect(complaints({ ...clean, results })).toEqual([]);
});

it("the table has a column per broker and one for both, and the seconds of the whole run", () => {
  const lines = table(report({ published: 1_083 })).split("\n");
  expect(lines[0]?.trim().split(/\s+/)).toEqual(["payments", "orders", "total"]);
  expect(lines[1]?.trim().split(/\s+/)).toEqual(["RabbitMQ", "Kafka"]);
  expect(lines[2]).toMatch(/^published +1,083 +1 +1,084$/);
  expect(lines.at(-1)).toMatch(/^seconds +4\.0 +5\.0 +12\.3$/);
});

it("a simulation does not pretend to be a broker", () => {
  const text = table(report({}, { isEmbedded: true }));
  expect(text).toContain("simulated");
  expect(text).not.toMatch(/RabbitMQ|Kafka/);
});

it("what doubled the effects is told only where some are doubled", () => {
  expect(table(report({}))).not.toContain("by the publisher");
  const doubledBy = { publisher: 5, kill: 0, rebalance: 0, other: 0 };
  expect(table(report({ doubled: 5, doubledBy }))).toMatch(/by the publisher +5 +0 +5/);
});

it("the line of JSON holds the numbers of the table, and the verdict", () => {
  const line = json(report({ lost: 1 }, { seed: 9 }));
  expect(line).not.toContain("\n");
  expect(JSON.parse(line)).toMatchObject({
    ok: false,
    mode: "enforce",
    embedded: false,
    seed: 9,
    brokers: { rabbitmq: { lost: 1, seconds: 4, left: 0 }, kafka: { lost: 0, seconds: 5 } },
    total: { published: 2, lost: 1, seconds: 12.346 },
    folder: "/somewhere",
  });
});
