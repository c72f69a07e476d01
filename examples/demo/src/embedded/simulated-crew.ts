import type { Store } from "@onlyonce/core";
import type { Crew } from "../disturbance.js";
import type { Journal } from "../journal.js";
import type { Ledger } from "../ledger.js";
import type { Progress } from "../progress.js";
import { Starts } from "../starts.js";
import { SimulatedConsumer } from "./simulated-consumer.js";

export interface SimulatedCrewOptions {
  readonly topic: string;
  readonly isOff: boolean;
  readonly store: Store;
  readonly journal: Journal;
  readonly ledger: Ledger;
  readonly progress: Progress;
  readonly published: number;
  /** How many messages the broker still has. */
  left(): number;
  /** Tells the broker who is there, after somebody came or left. */
  onChange(members: readonly SimulatedConsumer[]): void;
  /** Tells the broker that the connection of a consumer broke. */
  onKilled(consumer: SimulatedConsumer, members: readonly SimulatedConsumer[]): void;
}

/** The consumers of one simulated broker. */
export class SimulatedCrew implements Crew {
  readonly starts: Starts = new Starts();
  readonly #options: SimulatedCrewOptions;
  readonly #members = new Map<string, SimulatedConsumer>();
  readonly #all: SimulatedConsumer[] = [];

  constructor(options: SimulatedCrewOptions) {
    this.#options = options;
  }

  get members(): ReadonlySet<string> {
    return new Set(this.#members.keys());
  }

  progress(): number {
    return 1 - this.#options.left() / this.#options.published;
  }

  /** Starts with these consumers. */
  start(names: readonly string[]): readonly SimulatedConsumer[] {
    const consumers = names.map((name) => this.#add(name));
    this.#options.onChange(consumers);
    return consumers;
  }

  join(name: string): void {
    this.#add(name);
    this.#options.progress.say(`${name} joins`);
    this.#changed();
  }

  async leave(name: string): Promise<void> {
    const consumer = this.#take(name);
    this.#options.progress.say(`${name} leaves`);
    this.#changed();
    await consumer.close();
  }

  kill(name: string): void {
    const { journal, progress, onKilled } = this.#options;
    const consumer = this.#take(name);
    journal.append({ event: "killed", consumer: name, pid: process.pid, atMs: Date.now() });
    consumer.kill();
    progress.say(`${name} is killed in the middle of its work`);
    onKilled(consumer, [...this.#members.values()]);
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((consumer) => consumer.close()));
  }

  #changed(): void {
    this.#options.onChange([...this.#members.values()]);
  }

  #add(name: string): SimulatedConsumer {
    const { topic, isOff, store, journal, ledger } = this.#options;
    const consumer = new SimulatedConsumer({
      name,
      topic,
      isOff,
      store,
      journal,
      ledger,
      onBegin: ({ id }) => this.starts.report({ consumer: name, taskId: id }),
    });
    this.#members.set(name, consumer);
    this.#all.push(consumer);
    return consumer;
  }

  #take(name: string): SimulatedConsumer {
    const consumer = this.#members.get(name);
    if (consumer === undefined) throw new Error(`there is no consumer ${name}`);
    this.#members.delete(name);
    return consumer;
  }
}
