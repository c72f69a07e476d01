import { Controller } from "@nestjs/common";
import { Ctx, EventPattern, MessagePattern, Payload } from "@nestjs/microservices";
import { PermanentError } from "@onlyonce/core";
import type { GuardedContext } from "./guarded-rabbitmq";

export const LOG: string[] = [];

@Controller()
export class BillingController {
  @EventPattern("invoice.made")
  invoiced(@Payload() { id }: { readonly id: string }, @Ctx() { delivery }: GuardedContext): void {
    LOG.push(`invoice ${id}, attempt ${delivery.attempt}`);
    if (id === "i-2" && delivery.attempt === 1) throw new Error("mail server is down");
    if (id === "i-3") throw new PermanentError("no such customer");
  }

  @MessagePattern("charge")
  charge(@Payload() { amount }: { readonly amount: number }): { readonly receipt: string } {
    LOG.push(`charge ${amount}`);
    return { receipt: `r-${LOG.length}` };
  }
}
