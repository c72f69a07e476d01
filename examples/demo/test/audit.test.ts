import { describe, expect, it } from "vitest";
import { audit, total } from "../src/audit.js";
import { Story } from "./evidence.js";

const NONE = { publisher: 0, kill: 0, rebalance: 0, other: 0 };

describe("what is counted", () => {
  it("a task that was published, delivered and carried out once", () => {
    const { evidence } = new Story("rabbitmq").publish("a/1").runs("one", 1, "a/1");
    expect(audit(evidence)).toEqual({
      published: 1,
      tasks: 1,
      deliveries: 1,
      effects: 1,
      dropped: NONE,
      handedBack: 0,
      unfinished: 0,
      lost: 0,
      doubled: 0,
      doubledBy: NONE,
      explained: 0,
    });
  });

  it("a task without an effect is lost, even if every copy of it was settled", () => {
    const { evidence } = new Story("rabbitmq")
      .publish("a/1", "b/1", "b/2")
      .runs("one", 1, "a/1")
      .isDropped("one", 2, "b/1")
      .isDropped("one", 3, "b/2");
    expect(audit(evidence)).toMatchObject({ tasks: 2, effects: 1, lost: 1, doubled: 0 });
  });

  it("a delivery that came to no outcome is cut short, and one that was busy or failed was handed back", () => {
    const { evidence } = new Story("rabbitmq")
      .publish("a/1", "b/1", "c/1")
      .arrives("one", 1, "a/1")
      .arrives("one", 2, "b/1")
      .ends("one", 2, "busy")
      .arrives("one", 3, "c/1")
      .ends("one", 3, "failed");
    expect(audit(evidence)).toMatchObject({ deliveries: 3, handedBack: 2, unfinished: 1, lost: 3 });
  });

  it("the numbers of several brokers add up", () => {
    const one = audit(new Story("kafka").publish("a/1").runs("one", 1, "a/1").evidence);
    const other = audit(new Story("rabbitmq").publish("b/1", "c/1").runs("two", 1, "b/1").evidence);
    expect(total([one, other])).toMatchObject({ published: 3, tasks: 3, effects: 2, lost: 1 });
  });
});

describe("why a duplicate was dropped", () => {
  it("another copy of a task that was carried out is the publisher's duplicate", () => {
    const { evidence } = new Story("kafka")
      .publish("a/1", "a/2")
      .runs("one", 1, "a/1")
      .isDropped("two", 1, "a/2");
    expect(audit(evidence).dropped).toEqual({ ...NONE, publisher: 1 });
  });

  it("it is the publisher's also if it was busy first, and came again", () => {
    const { evidence } = new Story("rabbitmq")
      .publish("a/1", "a/2")
      .arrives("one", 1, "a/1")
      .arrives("two", 1, "a/2")
      .ends("two", 1, "busy")
      .effect("one", 1, "a")
      .ends("one", 1, "processed")
      .isDropped("two", 2, "a/2");
    expect(audit(evidence).dropped).toEqual({ ...NONE, publisher: 1 });
  });

  it("it is the publisher's also if a consumer that had only received it was killed", () => {
    const { evidence } = new Story("rabbitmq")
      .publish("a/1", "a/2")
      .arrives("one", 1, "a/2")
      .killed("one")
      .runs("two", 1, "a/1")
      .isDropped("two", 2, "a/2");
    expect(audit(evidence).dropped).toEqual({ ...NONE, publisher: 1 });
  });

  it.each(["kafka", "rabbitmq"] as const)(
    "the same copy after its consumer was killed is a redelivery after a kill (%s)",
    (broker) => {
      const { evidence } = new Story(broker)
        .publish("a/1")
        .runs("one", 1, "a/1")
        .killed("one")
        .isDropped("two", 1, "a/1");
      expect(audit(evidence).dropped).toEqual({ ...NONE, kill: 1 });
    },
  );

  it("a publisher's duplicate that comes again after a kill counts once for each cause", () => {
    const { evidence } = new Story("kafka")
      .publish("a/1", "a/2")
      .runs("one", 1, "a/1")
      .isDropped("one", 2, "a/2")
      .killed("one")
      .isDropped("two", 1, "a/1")
      .isDropped("two", 2, "a/2");
    expect(audit(evidence).dropped).toEqual({ ...NONE, publisher: 1, kill: 2 });
  });

  it("the same copy from a consumer that lives on is a rebalance on Kafka, and something else on RabbitMQ", () => {
    const story = (broker: "kafka" | "rabbitmq"): Story =>
      new Story(broker).publish("a/1").runs("one", 1, "a/1").isDropped("two", 1, "a/1");
    expect(audit(story("kafka").evidence).dropped).toEqual({ ...NONE, rebalance: 1 });
    expect(audit(story("rabbitmq").evidence).dropped).toEqual({ ...NONE, other: 1 });
  });

  it("a copy that moved while its first consumer worked on it is a rebalance, whoever ends last", () => {
    const { evidence } = new Story("kafka")
      .publish("a/1")
      .arrives("one", 1, "a/1")
      .arrives("two", 1, "a/1")
      .effect("one", 1, "a")
      .ends("one", 1, "processed")
      .ends("two", 1, "duplicate");
    expect(audit(evidence).dropped).toEqual({ ...NONE, rebalance: 1 });
  });

  it("a kill that came after the redelivery did not cause it", () => {
    const { evidence } = new Story("kafka")
      .publish("a/1")
      .runs("one", 1, "a/1")
      .isDropped("two", 1, "a/1")
      .killed("one");
    expect(audit(evidence).dropped).toEqual({ ...NONE, rebalance: 1 });
  });
});

describe("which doubles are explained", () => {
  it("one whose first consumer was killed between ledger and completion is explained", () => {
    const { evidence } = new Story("rabbitmq")
      .publish("a/1")
      .arrives("one", 1, "a/1")
      .effect("one", 1, "a")
      .killed("one")
      .runs("two", 1, "a/1");
    expect(audit(evidence)).toMatchObject({ doubled: 1, explained: 1, lost: 0, unfinished: 1 });
    expect(audit(evidence).doubledBy).toEqual({ ...NONE, kill: 1 });
  });

  it("one whose first consumer was done before it was killed is not", () => {
    const { evidence } = new Story("rabbitmq")
      .publish("a/1")
      .runs("one", 1, "a/1")
      .killed("one")
      .runs("two", 1, "a/1");
    expect(audit(evidence)).toMatchObject({ doubled: 1, explained: 0 });
  });

  it("one that was written while the first consumer was still alive is not", () => {
    const { evidence } = new Story("rabbitmq")
      .publish("a/1")
      .arrives("one", 1, "a/1")
      .effect("one", 1, "a")
      .runs("two", 1, "a/1")
      .killed("one");
    expect(audit(evidence)).toMatchObject({ doubled: 1, explained: 0 });
  });

  it("one without any kill is not", () => {
    const { evidence } = new Story("kafka")
      .publish("a/1", "a/2")
      .runs("one", 1, "a/1")
      .runs("two", 1, "a/2");
    expect(audit(evidence)).toMatchObject({ doubled: 1, explained: 0 });
    expect(audit(evidence).doubledBy).toEqual({ ...NONE, publisher: 1 });
  });

  it("a kill excuses the one repetition that followed it, and no third effect", () => {
    const { evidence } = new Story("rabbitmq")
      .publish("a/1", "a/2")
      .arrives("one", 1, "a/1")
      .effect("one", 1, "a")
      .killed("one")
      .runs("two", 1, "a/1")
      .runs("two", 2, "a/2");
    expect(audit(evidence)).toMatchObject({ effects: 3, doubled: 2, explained: 1 });
  });

  it("two kills in a row, each between ledger and completion, excuse two repetitions", () => {
    const { evidence } = new Story("rabbitmq")
      .publish("a/1")
      .arrives("one", 1, "a/1")
      .effect("one", 1, "a")
      .killed("one")
      .arrives("two", 1, "a/1")
      .effect("two", 1, "a")
      .killed("two")
      .runs("three", 1, "a/1");
    expect(audit(evidence)).toMatchObject({ effects: 3, doubled: 2, explained: 2 });
  });
});

describe("evidence that contradicts itself is refused", () => {
  it("an effect of a task that was never published", () => {
    const { evidence } = new Story("kafka").publish("a/1").runs("one", 1, "b/1");
    expect(() => audit(evidence)).toThrow("the ledger holds b, which was never published");
  });

  it("an effect of a delivery that never arrived", () => {
    const { evidence } = new Story("kafka").publish("a/1").effect("one", 7, "a");
    expect(() => audit(evidence)).toThrow("one has no delivery 7");
  });

  it("two outcomes for one delivery", () => {
    const { evidence } = new Story("kafka")
      .publish("a/1")
      .runs("one", 1, "a/1")
      .ends("one", 1, "duplicate");
    expect(() => audit(evidence)).toThrow("one has two outcomes for delivery 1");
  });
});
