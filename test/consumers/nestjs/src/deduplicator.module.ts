import { Global, Inject, Module, type OnApplicationShutdown } from "@nestjs/common";
import { createDeduplicator, type Deduplicator, memoryStore } from "@onlyonce/core";

export const DEDUPLICATOR = Symbol("Deduplicator");
export const OUTCOMES: string[] = [];

/** One guard for the whole application, closed with it. */
@Global()
@Module({
  providers: [
    {
      provide: DEDUPLICATOR,
      useFactory: (): Deduplicator<"payments"> =>
        createDeduplicator({
          store: memoryStore(),
          scope: "billing",
          topics: { payments: { maxAttempts: 3 } },
          observers: [{ outcome: ({ outcome }) => void OUTCOMES.push(outcome) }],
        }),
    },
  ],
  exports: [DEDUPLICATOR],
})
export class DeduplicatorModule implements OnApplicationShutdown {
  constructor(@Inject(DEDUPLICATOR) private readonly deduplicator: Deduplicator) {}

  onApplicationShutdown(): Promise<void> {
    return this.deduplicator.close();
  }
}
