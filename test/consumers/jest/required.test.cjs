// A test that is CommonJS: Jest can require ES modules on Node.js 24.9 and later.
const { createDeduplicator, memoryStore } = require("@onlyonce/core");

test("a message that is delivered twice is handled once", async () => {
  const dedup = createDeduplicator({ store: memoryStore(), scope: "billing" });
  const handler = jest.fn();
  await dedup.process({ topic: "payments", id: "p-1" }, handler);
  const { outcome } = await dedup.process({ topic: "payments", id: "p-1" }, handler);
  expect(outcome).toBe("duplicate");
  expect(handler).toHaveBeenCalledTimes(1);
  await dedup.close();
});
