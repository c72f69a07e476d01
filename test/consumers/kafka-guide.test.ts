import { randomUUID } from "node:crypto";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Admin, Kafka, logLevel, type Message } from "kafkajs";
import { beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { type Consumer, installConsumer } from "./consumer.js";
import { guideExamples } from "./guide-examples.js";

describe("the guide to Kafka", () => {
  let consumer: Consumer;
  beforeAll(async () => {
    consumer = await installConsumer("kafka-guide", ["core", "redis", "kafka"]);
    return () => consumer.remove();
  });

  it("has examples that compile, before and after, with the published types of kafkajs, Confluent's client, @platformatic/kafka and NestJS", async () => {
    const modules = await guideExamples("kafka", {
      "function consumeGuarded(": "consume-guarded",
    });
    expect(modules.size).toBeGreaterThanOrEqual(11);
    for (const [name, text] of modules) {
      await writeFile(join(consumer.folder, "src", `${name}.ts`), `${text}\nexport {};\n`);
    }
    await consumer.run(["node_modules/typescript/bin/tsc", "--project", "."]);
    const compiled = await readdir(join(consumer.folder, "dist"));
    expect(compiled).toEqual(
      expect.arrayContaining([...modules.keys()].map((name) => `${name}.js`)),
    );
  });

  const runtimes = inject("nodeRuntimes").filter(({ version }) => runsStreams(version));
  it.each(runtimes.slice(0, 1))(
    "has a loop for @platformatic/kafka that runs each message once, tries again, dead-letters, commits and drops what comes again, on Node.js $version",
    async ({ node }) => {
      const scene = await Scene.open();
      await scene.send([
        { value: "works", headers: { id: "1" } },
        { value: "works", headers: { id: "1" } },
        { value: "fails once", headers: { id: "2" } },
        { value: "never works", headers: { id: "3" } },
        { value: null, headers: { id: "4" } },
        { value: "last", headers: { id: "5" } },
      ]);
      const work = async (groupId: string): Promise<unknown> => {
        const { stdout } = await consumer.run(["dist/stream.js", scene.settings(groupId)], {
          node,
        });
        return JSON.parse(stdout);
      };
      expect(await work("first")).toEqual({
        ran: ["works 1", "fails once 1", "fails once 2", "never works 1", "tombstone 1", "last 1"],
        outcomes: [
          "processed",
          "duplicate",
          "failed",
          "processed",
          "failed",
          "processed",
          "processed",
        ],
        dead: ["never works: PermanentError: no such account"],
      });
      expect(await scene.committed("first")).toBe("6");
      expect(await work("second")).toEqual({
        ran: ["never works 1"],
        outcomes: ["duplicate", "duplicate", "duplicate", "failed", "duplicate", "duplicate"],
        dead: ["never works: PermanentError: no such account"],
      });
    },
  );

  it.each(runtimes.slice(0, 1))(
    "has a loop for @platformatic/kafka that runs each message once while a second member joins the group, on Node.js $version",
    async ({ node }) => {
      const scene = await Scene.open(2);
      const ids = Array.from({ length: 80 }, (_, index) => `m${index}`);
      await scene.send(
        ids.map((id, index) => ({ value: id, partition: index % 2, headers: { id } })),
      );
      const settings = scene.settings("joining", ids.length);
      const { stdout } = await consumer.run(["dist/two-streams.js", settings], { node });
      const said = JSON.parse(stdout) as {
        readonly ran: readonly string[];
        readonly attended: { readonly second: number };
      };
      expect(said.ran.toSorted()).toEqual(ids.toSorted());
      expect(said.attended.second).toBeGreaterThan(0);
    },
  );
});

/** What @platformatic/kafka asks for. */
function runsStreams(version: string): boolean {
  const [line = 0, minor = 0] = version.split(".").map(Number);
  return line === 22 ? minor >= 22 : line === 24 ? minor >= 6 : line > 24;
}

/** A topic of the test's own, and what is known of it. */
class Scene {
  readonly #name = randomUUID();
  readonly #brokers = inject("kafkaBrokers").split(",");
  readonly #kafka = new Kafka({ brokers: this.#brokers, logLevel: logLevel.NOTHING });
  readonly #topic = `guide-${this.#name}`;
  readonly #admin: Admin = this.#kafka.admin();

  static async open(partitions = 1): Promise<Scene> {
    const scene = new Scene();
    await scene.#admin.connect();
    onTestFinished(async () => {
      await scene.#admin.deleteTopics({ topics: [scene.#topic] });
      await scene.#admin.disconnect();
    });
    const topics = [{ topic: scene.#topic, numPartitions: partitions }];
    await scene.#admin.createTopics({ topics, waitForLeaders: true });
    return scene;
  }

  async send(messages: Message[]): Promise<void> {
    const producer = this.#kafka.producer();
    await producer.connect();
    try {
      await producer.send({ topic: this.#topic, messages });
    } finally {
      await producer.disconnect();
    }
  }

  /** What the programs are told. */
  settings(group: string, count?: number): string {
    return JSON.stringify({
      count,
      brokers: this.#brokers,
      topic: this.#topic,
      groupId: `${group}-${this.#name}`,
      redisUrl: inject("redisUrl"),
      prefix: `t${this.#name}:`,
    });
  }

  async committed(group: string): Promise<string | undefined> {
    const groupId = `${group}-${this.#name}`;
    const [offsets] = await this.#admin.fetchOffsets({ groupId, topics: [this.#topic] });
    return offsets?.partitions[0]?.offset;
  }
}
