import { randomBytes } from "node:crypto";
import type { Contestant } from "./contest.js";
import type { Guard } from "./guards.js";
import type { Measures, Meter } from "./meter.js";

/** In percent: how many messages were seen through before. */
export const DUPLICATES = { new: 0, mixed: 10, duplicates: 100 } as const;
export type Traffic = keyof typeof DUPLICATES;

/** How messages come: one by one or in batches, and how many of those at once. */
export interface Shape {
  readonly atOnce: number;
  /** 1: each on its own. */
  readonly batch: number;
  /** Messages of a round. */
  readonly messages: number;
}

const WARM_UP: readonly Shape[] = [
  { atOnce: 64, batch: 1, messages: 20_000 },
  { atOnce: 2, batch: 64, messages: 20_000 },
];

/** More than are ever under way at once. */
const REMEMBERED = 2048;

export interface EntrantOptions {
  /** Those of the guard. Undefined: it guards nothing, and is not audited. */
  readonly effects: EffectCount | undefined;
  /** Of the messages of a shape: slow ones need fewer for the same time. @defaultValue 1 */
  readonly messageShare?: number;
}

/** A guard under load. Its ids are its own, so contestants may share a server. */
export class Entrant {
  readonly name: string;
  readonly #guard: Guard;
  readonly #meter: Meter;
  readonly #messageShare: number;
  readonly #effects: EffectCount | undefined;
  readonly #run = randomBytes(9).toString("base64url");
  #ids = 0;
  #remembered: readonly string[] = [];

  constructor(name: string, meter: Meter, guard: Guard, options: EntrantOptions) {
    this.name = name;
    this.#guard = guard;
    this.#meter = meter;
    this.#effects = options.effects;
    this.#messageShare = options.messageShare ?? 1;
  }

  /** Sees the messages through that will come again. Once for each time that the server forgets everything. */
  async prepare(): Promise<void> {
    this.#remembered = this.#fresh(REMEMBERED);
    for (let i = 0; i < REMEMBERED; i += 64)
      await this.#guard.all(this.#remembered.slice(i, i + 64));
  }

  /** Lets V8 optimise what will be measured: that takes more than a round. */
  async warmUp(): Promise<void> {
    const kinds: readonly Traffic[] =
      this.#effects === undefined ? ["new"] : ["new", "mixed", "duplicates"];
    await this.prepare();
    for (const traffic of kinds) for (const shape of WARM_UP) await this.#round(traffic, shape);
  }

  contestant(traffic: Traffic, shape: Shape): Contestant<Measures> {
    return { name: this.name, round: () => this.#round(traffic, shape) };
  }

  async #round(traffic: Traffic, { atOnce, batch, messages }: Shape): Promise<Measures> {
    const pieces = Math.max(atOnce, Math.ceil((messages * this.#messageShare) / batch));
    const ids = this.#draw(pieces * batch, DUPLICATES[traffic]);
    const before = this.#effects?.count;
    const measures =
      batch === 1
        ? await this.#meter.measure(ids, atOnce, 1, (id) => this.#guard.one(id))
        : await this.#meter.measure(chunks(ids, batch), atOnce, batch, (chunk) =>
            this.#guard.all(chunk),
          );
    this.#audit(traffic, ids.length, before);
    return measures;
  }

  /** A guard that lets a message through twice, or not at all, must not win. */
  #audit(traffic: Traffic, messages: number, before: number | undefined): void {
    if (this.#effects === undefined || before === undefined) return;
    const expected = messages - duplicatesAmong(messages, DUPLICATES[traffic]);
    const happened = this.#effects.count - before;
    if (happened !== expected) {
      throw new Error(`${this.name}: ${expected} effects expected, ${happened} happened`);
    }
  }

  #draw(count: number, duplicatePercent: number): string[] {
    const ids = this.#fresh(count);
    for (let i = 0, copies = 0; i < count; i += 1) {
      if (!isDuplicate(i, duplicatePercent)) continue;
      ids[i] = this.#remembered[copies % REMEMBERED] ?? "";
      copies += 1;
    }
    return ids;
  }

  /** As long as our keys: 22 characters. */
  #fresh(count: number): string[] {
    return Array.from({ length: count }, () => {
      this.#ids += 1;
      return this.#run + String(this.#ids).padStart(10, "0");
    });
  }
}

export class EffectCount {
  count = 0;
  readonly happen = (): void => {
    this.count += 1;
  };
}

/** Spread evenly. */
function isDuplicate(place: number, percent: number): boolean {
  return (place * 37) % 100 < percent;
}

function duplicatesAmong(count: number, percent: number): number {
  return Array.from({ length: count }, (_, place) => isDuplicate(place, percent)).filter(Boolean)
    .length;
}

function chunks(ids: readonly string[], size: number): string[][] {
  return Array.from({ length: ids.length / size }, (_, i) => ids.slice(i * size, (i + 1) * size));
}
