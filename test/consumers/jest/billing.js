import { createDeduplicator } from "@onlyonce/core";

/** The code under test: charges each payment once. */
export function createBilling(store, charge) {
  const dedup = createDeduplicator({ store, scope: "billing" });
  return {
    receive: (payment) =>
      dedup.process({ topic: "payments", id: payment.id, payload: payment }, ({ idempotencyKey }) =>
        charge(payment.amount, idempotencyKey),
      ),
    close: () => dedup.close(),
  };
}
