import "reflect-metadata";
import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { OnlyOnceError } from "@onlyonce/core";
import { BillingService } from "./billing.service";
import { DeduplicatorModule, OUTCOMES } from "./deduplicator.module";

@Module({ imports: [DeduplicatorModule], providers: [BillingService] })
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ["error", "warn"] });
  const billing = app.get(BillingService);
  await billing.receive("p-1", 10);
  await billing.receive("p-1", 10);
  await app.close();
  const refusal = await billing.receive("p-2", 20).catch((error: unknown) => error);
  console.log(
    JSON.stringify({
      charges: billing.charges.map(({ amount }) => amount),
      outcomes: OUTCOMES,
      afterClose: OnlyOnceError.is(refusal) ? refusal.code : String(refusal),
    }),
  );
}

void main();
