import * as compact from "./generated/compact-scripts.js";
import * as keys from "./generated/scripts.js";
import { bucketOf, type KeyNumber, keyNumber } from "./key-number.js";
import type { Slices } from "./layout-options.js";
import { timedOut } from "./store-error.js";
import type { ScriptCommands } from "./waiting-connection.js";

/** The scripts of this layout, by source and name of those that they stand for. The others are the same in all layouts. */
const SCRIPTS = new Map<string, keys.Script>();
for (const [verb, own] of [
  [keys.claimScript, compact.claimScript],
  [keys.completeScript, compact.completeScript],
  [keys.forgetScript, compact.forgetScript],
  [keys.inspectScript, compact.inspectScript],
  [keys.rememberScript, compact.rememberScript],
  [keys.renewScript, compact.renewScript],
] as const) {
  SCRIPTS.set(verb.sha1, own);
  SCRIPTS.set(verb.source, own);
}

/** The name of the sets of a slot group that end with a slice, but for the bucket behind it. */
export function setName(group: string, { sliceMs, buckets }: Slices, slice: number): string {
  return `${group}:${sliceMs.toString(36)}.${buckets.toString(36)}:${slice.toString(36)}.`;
}

/** Starts the answer of a script whose server is in another slice than the sets that it was given. */
const OTHER_SLICE = "!";

/**
 * Adds to each script call the sets that may hold its keys by now, and the numbers that stand for the keys. The server's
 * clock says which sets those are: it is guessed from its last answer about it, and where the guess is wrong the script
 * changes nothing and the call is sent once more.
 */
export class SlicedCommands implements ScriptCommands {
  readonly isCluster: boolean;
  readonly #commands: ScriptCommands;
  readonly #slices: Slices;
  readonly #prefixLength: number;
  readonly #commandTimeoutMs: number;
  /** From the monotonic clock of this process to the server's. */
  #offsetMs: number = performance.timeOrigin;

  constructor(
    commands: ScriptCommands,
    slices: Slices,
    options: { readonly prefix: string; readonly commandTimeoutMs: number },
  ) {
    this.isCluster = commands.isCluster === true;
    this.#commands = commands;
    this.#slices = slices;
    this.#prefixLength = options.prefix.length;
    this.#commandTimeoutMs = options.commandTimeoutMs;
  }

  evalsha(sha1: string, keyCount: number, ...parameters: string[]): Promise<unknown> {
    const script = SCRIPTS.get(sha1);
    if (script === undefined) return this.#commands.evalsha(sha1, keyCount, ...parameters);
    return this.#send(
      (count, all) => this.#commands.evalsha(script.sha1, count, ...all),
      keyCount,
      parameters,
    );
  }

  eval(source: string, keyCount: number, ...parameters: string[]): Promise<unknown> {
    const script = SCRIPTS.get(source);
    if (script === undefined) return this.#commands.eval(source, keyCount, ...parameters);
    return this.#send(
      (count, all) => this.#commands.eval(script.source, count, ...all),
      keyCount,
      parameters,
    );
  }

  async #send(
    call: (keyCount: number, parameters: readonly string[]) => Promise<unknown>,
    keyCount: number,
    parameters: readonly string[],
  ): Promise<unknown> {
    const { sliceMs, setsPerKey } = this.#slices;
    const sentAtMs = performance.now();
    const numbers = parameters
      .slice(0, keyCount)
      .map((key) => keyNumber(key, this.#prefixLength + 3));
    let serverMs = sentAtMs + this.#offsetMs;
    for (;;) {
      const slice = Math.floor(serverMs / sliceMs);
      const all = this.#parametersIn(slice, parameters, numbers);
      const reply = await call(keyCount * (setsPerKey + 1), all);
      if (typeof reply !== "string" || !reply.startsWith(OTHER_SLICE)) return reply;
      const nowMs = performance.now();
      serverMs = Number(reply.slice(OTHER_SLICE.length));
      this.#offsetMs = serverMs - nowMs;
      // Its caller has been told by now that it failed: it must not take effect any more.
      if (nowMs - sentAtMs > this.#commandTimeoutMs) throw timedOut(this.#commandTimeoutMs);
    }
  }

  /** Records, sets of each; arguments; numbers, and how to read it all: lua/compact/records.lua. */
  #parametersIn(
    slice: number,
    parameters: readonly string[],
    numbers: readonly KeyNumber[],
  ): string[] {
    const { sliceMs, setsPerKey, buckets, keepRecordsMs } = this.#slices;
    const places = Array.from({ length: setsPerKey }, (_, place) =>
      setName("", this.#slices, slice + 1 + place),
    );
    const keyCount = numbers.length;
    const all = parameters.slice(0, keyCount);
    for (const [index, number] of numbers.entries()) {
      const group = (all[index] ?? "").slice(0, this.#prefixLength + 3);
      const bucket = bucketOf(number, buckets).toString(36);
      for (const place of places) all.push(group + place + bucket);
    }
    for (let index = keyCount; index < parameters.length; index += 1) {
      all.push(parameters[index] ?? "");
    }
    for (const { number } of numbers) all.push(number);
    all.push(
      String(slice),
      String(sliceMs),
      String(setsPerKey),
      String(keepRecordsMs),
      String(keyCount),
    );
    return all;
  }
}
