import { expect, it } from "vitest";
import {
  Gate,
  join,
  LIMIT_MS,
  message,
  newGroup,
  newTopic,
  reaches,
  send,
} from "./guarded-group.js";

const within = { timeout: LIMIT_MS, interval: 20 };

it("behaviour 79: a seek in the middle of a handler, with kafkajs on a real broker, lets it end, gives back what was claimed behind it, and is followed", async () => {
  const topic = await newTopic();
  const groupId = newGroup();
  const ids = ["p-0", "p-1", "p-2", "p-3"];
  await send(
    topic,
    ids.map((id) => message(id)),
  );
  const gate = new Gate();
  const ran: string[] = [];
  const member = await join({
    topics: [topic],
    groupId,
    eachMessage: async ({ message: record }, { attempt }) => {
      ran.push(`${record.value} attempt ${attempt}`);
      if (String(record.value) === "p-0") await gate.opened;
    },
  });
  await expect.poll(() => ran, within).toEqual(["p-0 attempt 1"]);
  member.consumer.seek({ topic, partition: 0, offset: "2" });
  gate.open();
  await expect.poll(() => ran.length, within).toBe(3);
  await reaches(groupId, topic, 4);
  expect(ran).toEqual(["p-0 attempt 1", "p-2 attempt 1", "p-3 attempt 1"]);
  expect(member.observer.names()).toEqual(Array(3).fill("processed"));
  // What was passed over is not remembered as done, and what was done is.
  member.consumer.seek({ topic, partition: 0, offset: "0" });
  await expect.poll(() => member.observer.outcomes.length, within).toBe(7);
  await reaches(groupId, topic, 4);
  expect(ran.at(-1)).toBe("p-1 attempt 1");
  expect(member.observer.count("duplicate")).toBe(3);
  expect(member.crashes).toEqual([]);
});
