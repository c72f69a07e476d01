import type { Context } from "@onlyonce/core/adapter";
import type { FreshRecord } from "./payload.js";
import type { KafkaRecord } from "./record.js";

class FreshOne implements FreshRecord {
  readonly message: KafkaRecord;
  readonly context: Context;
  failure: { readonly error: unknown } | undefined;

  constructor(message: KafkaRecord, context: Context) {
    this.message = message;
    this.context = context;
  }

  readonly fail = (error: unknown): void => {
    this.failure ??= { error };
  };
}

/** Gathers the records of one group that may run, and gives them to one call of the handler. */
export class RecordGroup {
  readonly #handler: (records: readonly FreshRecord[]) => Promise<void>;
  readonly #fresh: FreshOne[] = [];
  #expected: number;
  #start: () => void = () => undefined;
  readonly #run: Promise<void>;

  /** `size`: how many records will either `enter` or `leave`. */
  constructor(size: number, handler: (records: readonly FreshRecord[]) => Promise<void>) {
    this.#handler = handler;
    this.#expected = size;
    const started = new Promise<void>((resolve) => {
      this.#start = resolve;
    });
    this.#run = started.then(() => this.#handle());
    // Everyone who entered hears of a rejection; where nobody entered there is none.
    this.#run.catch(() => undefined);
  }

  /**
   * The handler of one record: resolves when the group's handler has, and rejects where it failed this record. A record
   * that is claimed a second time, after its group has run, runs alone.
   */
  async enter(message: KafkaRecord, context: Context): Promise<void> {
    const one = new FreshOne(message, context);
    if (this.#expected > 0) {
      this.#fresh.push(one);
      this.#gone();
      await rejected(this.#run, one);
    } else {
      await rejected(this.#handler([one]), one);
    }
    if (one.failure !== undefined) throw one.failure.error;
  }

  /** One record came to its verdict without running. */
  leave(): void {
    this.#gone();
  }

  #gone(): void {
    this.#expected -= 1;
    if (this.#expected === 0) this.#start();
  }

  async #handle(): Promise<void> {
    if (this.#fresh.length === 0) return;
    const order = this.#fresh.toSorted((a, b) =>
      BigInt(a.message.offset) < BigInt(b.message.offset) ? -1 : 1,
    );
    await this.#handler(order);
  }
}

/** A handler that rejects fails every record that it has not failed by itself. */
async function rejected(run: Promise<void>, one: FreshOne): Promise<void> {
  try {
    await run;
  } catch (error) {
    one.fail(error);
  }
}
