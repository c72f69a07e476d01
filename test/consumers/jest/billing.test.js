import { afterEach, expect, jest, test } from "@jest/globals";
import { memoryStore, OnlyOnceError } from "@onlyonce/core";
import { createBilling } from "./billing.js";

const charge = jest.fn();
const billing = createBilling(memoryStore(), charge);

afterEach(() => charge.mockReset());

test("a payment that is delivered twice is charged once", async () => {
  charge.mockResolvedValue("charged");
  const payment = { id: "p-1", amount: 10 };
  expect(await billing.receive(payment)).toMatchObject({ outcome: "processed", value: "charged" });
  expect(await billing.receive(payment)).toMatchObject({ outcome: "duplicate" });
  expect(charge).toHaveBeenCalledTimes(1);
});

test("a payment that failed is charged when it comes again, with the same idempotency key", async () => {
  charge.mockRejectedValueOnce(new Error("no connection")).mockResolvedValueOnce("charged");
  const payment = { id: "p-2", amount: 20 };
  await expect(billing.receive(payment)).rejects.toThrow("no connection");
  expect(await billing.receive(payment)).toMatchObject({ outcome: "processed" });
  expect(charge.mock.calls[0][1]).toBe(charge.mock.calls[1][1]);
});

test("nothing is taken after the end", async () => {
  await billing.close();
  const error = await billing.receive({ id: "p-3", amount: 30 }).catch((reason) => reason);
  expect(OnlyOnceError.is(error)).toBe(true);
  expect(error.code).toBe("ERR_ONLYONCE_CLOSED");
});
