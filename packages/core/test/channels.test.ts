import { channel, type TracingChannelSubscribers, tracingChannel } from "node:diagnostics_channel";
import { FaultyStore } from "@onlyonce/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { claimAll } from "../src/attend.js";
import type { ProcessMessage } from "../src/channels.js";
import { createDeduplicator, memoryStore } from "../src/index.js";
import { guarded, payment, Work } from "./guarded.js";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** What is heard of processes, as `event: what was known by then`. */
function listen() {
  const heard: { readonly event: string; readonly message: ProcessMessage }[] = [];
  const process = tracingChannel<ProcessMessage>("onlyonce:process");
  const on = (event: string) => (message: ProcessMessage) => {
    heard.push({ event, message: { ...message } });
  };
  const subscribers: TracingChannelSubscribers<ProcessMessage> = {
    start: on("start"),
    end: on("end"),
    asyncStart: on("asyncStart"),
    asyncEnd: on("asyncEnd"),
    error: on("error"),
  };
  process.subscribe(subscribers);
  onTestFinished(() => void process.unsubscribe(subscribers));
  return heard;
}

function hear(name: string) {
  const heard: unknown[] = [];
  const listener = (message: unknown): void => void heard.push(message);
  channel(name).subscribe(listener);
  onTestFinished(() => void channel(name).unsubscribe(listener));
  return heard;
}

describe("the channel onlyonce:process", () => {
  it("tells of a delivery from its claim to its outcome, and nothing of its payload or result", async () => {
    const heard = listen();
    const { dedup } = guarded();
    const delivery = payment("a", {
      consumerGroup: "billing",
      transport: { system: "kafka", destination: "payments.eu" },
    });
    await dedup.process(delivery, () => "the result");
    expect(heard.map(({ event }) => event)).toEqual(["start", "end", "asyncStart", "asyncEnd"]);
    const about = {
      system: "kafka",
      destination: "payments.eu",
      group: "billing",
      messageId: "a",
      keyHash: expect.stringMatching(/^[0-9a-f]{16}$/),
    };
    expect(heard[0]?.message).toEqual(about);
    expect(heard.at(-1)?.message).toEqual({
      ...about,
      claimResult: "acquired",
      attempt: 1,
      outcome: "processed",
      result: undefined,
    });
  });

  it("tells whose work a duplicate repeats, and why it came", async () => {
    const observers = [{ traceparent: () => TRACEPARENT }];
    const dedup = createDeduplicator({ store: memoryStore(), scope: "billing", observers });
    await dedup.process(payment("a"), () => undefined);
    const heard = listen();
    await dedup.process(payment("a", { redelivered: true }), () => undefined);
    expect(heard.at(-1)?.message).toMatchObject({
      claimResult: "duplicate",
      duplicateKind: "redelivery",
      originalTraceparent: TRACEPARENT,
      outcome: "duplicate",
    });
  });

  it("tells of a failure as an error, and leaves it to the caller all the same", async () => {
    const heard = listen();
    const failure = new Error("declined");
    const failing = guarded().dedup.process(payment("a"), () => Promise.reject(failure));
    await expect(failing).rejects.toBe(failure);
    expect(heard.map(({ event }) => event)).toContain("error");
    expect(heard.at(-1)?.message).toMatchObject({ outcome: "failed", error: failure });
  });

  it("tells of claims that were taken ahead, and of those given back nothing", async () => {
    const heard = listen();
    const { dedup } = guarded();
    const [first, second] = await claimAll(dedup, [payment("a"), payment("b")]);
    await second?.abandon();
    await first?.run(() => undefined);
    expect(heard.filter(({ event }) => event === "start")).toHaveLength(1);
    expect(heard.at(-1)?.message).toMatchObject({ messageId: "a", outcome: "processed" });
  });

  it("costs nothing to those who came before it, and forgets a subscriber that leaves", async () => {
    const { dedup } = guarded();
    const work = new Work();
    const early = dedup.process(payment("a"), work.handler);
    await Promise.resolve();
    const heard = listen();
    await dedup.process(payment("b"), () => undefined);
    work.run(0).resolve();
    await early;
    expect(new Set(heard.map(({ message }) => message.messageId))).toEqual(new Set(["b"]));
  });
});

describe("the point channels", () => {
  it("onlyonce:claim:lost tells the moment a claim is lost", async () => {
    const heard = hear("onlyonce:claim:lost");
    const { store, dedup, clock } = guarded();
    store.renew = (held) => Promise.resolve(held.map(() => "lost"));
    const work = new Work();
    const running = dedup.process(payment("a"), work.handler);
    await clock.advance(1_500);
    expect(heard).toEqual([
      {
        destination: "payments",
        keyHash: expect.stringMatching(/^[0-9a-f]{16}$/),
        loss: "taken_over",
        ranMs: expect.any(Number),
      },
    ]);
    work.run(0).resolve();
    await running;
  });

  it.each([
    ["process", true],
    ["wait", false],
  ] as const)(
    "onlyonce:store:error tells that a claim was given up: %s",
    async (onStoreDown, failsOpen) => {
      const heard = hear("onlyonce:store:error");
      const down = new Error("no store");
      const { dedup, clock } = guarded({ onStoreDown, busyWaitMs: 100 }, (store) => {
        const faulty = new FaultyStore(store, { nowMs: () => 0, after: () => () => undefined });
        faulty.always(["claim"], { kind: "fail", when: "before", error: down });
        return faulty;
      });
      const processed = dedup.process(payment("a"), () => undefined).catch(() => undefined);
      await clock.advance(5_000);
      await processed;
      expect(heard).toEqual([
        {
          destination: "payments",
          keyHash: expect.stringMatching(/^[0-9a-f]{16}$/),
          operation: "claim",
          failsOpen,
          error: down,
        },
      ]);
    },
  );
});
