import { expect, it, onTestFinished } from "vitest";
import { installConsumer } from "./consumer.js";

it("a NestJS application charges each payment once, and closes its deduplicator when it is closed", async () => {
  const consumer = await installConsumer("nestjs", ["core"]);
  onTestFinished(() => consumer.remove());
  await consumer.run(["node_modules/typescript/bin/tsc", "--project", "."]);
  const { stdout, stderr } = await consumer.run(["dist/main.js"]);
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual({
    charges: [10],
    outcomes: ["processed", "duplicate"],
    afterClose: "ERR_ONLYONCE_CLOSED",
  });
});
