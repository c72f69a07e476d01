import { Inject, Injectable } from "@nestjs/common";
import type { Deduplicator, Settled } from "@onlyonce/core";
import { DEDUPLICATOR } from "./deduplicator.module";

@Injectable()
export class BillingService {
  readonly charges: { readonly amount: number; readonly key: string }[] = [];

  constructor(@Inject(DEDUPLICATOR) private readonly deduplicator: Deduplicator<"payments">) {}

  /** May be called as often as the broker likes: each payment is charged once. */
  receive(id: string, amount: number): Promise<Settled<void>> {
    return this.deduplicator.process({ topic: "payments", id }, ({ idempotencyKey }) => {
      this.charges.push({ amount, key: idempotencyKey });
    });
  }
}
