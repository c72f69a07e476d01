import { describe, expect, it, onTestFinished } from "vitest";
import { type RetryTopologyOptions, setupRetryTopology } from "../src/index.js";
import { connected, newQueue } from "./lab.js";

async function setup(queue: string, options: RetryTopologyOptions = {}) {
  onTestFinished(async () => {
    const cleaner = await (await connected()).createChannel();
    await cleaner.deleteExchange(`${queue}.retry`);
    for (const delay of [1_000, 5_000, 30_000])
      await cleaner.deleteQueue(`${queue}.retry.${delay}`);
    await cleaner.deleteQueue(`${queue}.dead`);
  });
  return setupRetryTopology(await (await connected()).createConfirmChannel(), queue, options);
}

it("declares three delays and a dead-letter queue, and doing it again changes nothing", async () => {
  const queue = await newQueue();
  const route = { exchange: `${queue}.retry`, delaysMs: [1_000, 5_000, 30_000], deadLetter: true };
  expect(await setup(queue)).toEqual(route);
  expect(await setup(queue)).toEqual(route);
  expect(await setup(queue, { declare: false })).toEqual(route);
  const channel = await (await connected()).createChannel();
  await expect(channel.checkQueue(`${queue}.retry.5000`)).resolves.toMatchObject({
    messageCount: 0,
  });
});

it("works with quorum queues", async () => {
  const queue = await newQueue({ arguments: { "x-queue-type": "quorum" } });
  await expect(setup(queue, { queueType: "quorum" })).resolves.toMatchObject({ deadLetter: true });
});

it("without a dead-letter queue there is no route for poison", async () => {
  const queue = await newQueue();
  const route = await setup(queue, { deadLetterQueue: false, delaysMs: [5_000, 1_000, 5_000] });
  expect(route).toEqual({ exchange: `${queue}.retry`, delaysMs: [1_000, 5_000] });
});

describe("says what is missing", () => {
  it("when the queue itself does not exist", async () => {
    await expect(setup("onlyonce-no-such-queue")).rejects.toThrow(
      /queue "onlyonce-no-such-queue" is missing.*NOT_FOUND/,
    );
  });

  it("when it may not declare and something is not there, with the list of all that is needed", async () => {
    const queue = await newQueue();
    const looking = setup(queue, { declare: false });
    await expect(looking).rejects.toThrow(`exchange "${queue}.retry" is missing`);
    await expect(looking).rejects.toThrow(
      `queue "${queue}.retry.30000" with the arguments {"x-queue-type":"classic","x-message-ttl":30000,"x-dead-letter-exchange":"","x-dead-letter-routing-key":"${queue}"}, bound to "${queue}.retry" by "30000"`,
    );
  });

  it("when a queue of that name is of another kind, and the connection survives it", async () => {
    const queue = await newQueue();
    const connection = await connected();
    await (await connection.createChannel()).assertQueue(`${queue}.retry.1000`);
    await setup(queue, { delaysMs: [5_000] });
    const channel = await connection.createConfirmChannel();
    await expect(setupRetryTopology(channel, queue)).rejects.toThrow(
      /retry\.1000" is missing, differs, or may not be declared .*PRECONDITION/,
    );
    await (await connection.createChannel()).close();
  });
});

it.each([
  [{ exchange: "" }, TypeError, "options.exchange", '""'],
  [{ delaysMs: [] }, TypeError, "options.delaysMs", "at least one"],
  [{ delaysMs: 1_000 }, TypeError, "options.delaysMs", "1000"],
  [{ delaysMs: [1_000, 0] }, RangeError, "options.delaysMs[1]", "0"],
  [{ delaysMs: [Number.NaN] }, RangeError, "options.delaysMs[0]", "NaN"],
  [{ delaysMs: [2_147_483_648] }, RangeError, "options.delaysMs[0]", "2147483648"],
  [{ deadLetterQueue: "" }, TypeError, "options.deadLetterQueue", '""'],
  [{ deadLetterQueue: true }, TypeError, "options.deadLetterQueue", "true"],
  [{ queueType: "stream" }, TypeError, "options.queueType", '"stream"'],
  [{ declare: "no" }, TypeError, "options.declare", '"no"'],
  [{ delays: 1 }, TypeError, "delays", "1"],
])("refuses %o before any I/O", async (options, kind, name, value) => {
  const channel = await (await connected()).createConfirmChannel();
  const call = () => setupRetryTopology(channel, "payments", options as RetryTopologyOptions);
  expect(call).toThrow(kind);
  expect(call).toThrow(name);
  expect(call).toThrow(value);
});

it("refuses a queue without a name", async () => {
  const channel = await (await connected()).createConfirmChannel();
  expect(() => setupRetryTopology(channel, "")).toThrow('queue must be a non-empty string, got ""');
});
