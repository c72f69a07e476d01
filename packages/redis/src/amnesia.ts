import type { Finding } from "@onlyonce/core";
import { keysEvicted } from "./findings.js";
import type { RedisCommands } from "./redis-commands.js";
import { readInfo } from "./server-info.js";

/** What shows that a server is still the one that remembered. */
interface Memory {
  /** Another one after every start of a server. */
  readonly runId: string;
  /** Keys thrown away for want of room since the start. */
  readonly evictedKeys: number;
}

/**
 * Notices that completed keys may have been forgotten, which no single message can show: a server that answers with
 * another run id than before, or one that has evicted keys.
 */
export class Amnesia {
  readonly #nodesOf: () => readonly Pick<RedisCommands, "info">[];
  readonly #tell: (finding: Finding) => void;
  #known: ReadonlyMap<string, Memory> | undefined;
  #isLooking = false;
  #isWanted = false;

  constructor(
    nodesOf: () => readonly Pick<RedisCommands, "info">[],
    tell: (finding: Finding) => void,
  ) {
    this.#nodesOf = nodesOf;
    this.#tell = tell;
  }

  /**
   * Compares the servers with what they said before. Never rejects. One look at a time: what is asked for meanwhile is
   * one more look, because an answer that is on its way may be older than the reason for asking.
   */
  async look(): Promise<void> {
    this.#isWanted = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    while (this.#isWanted) {
      this.#isWanted = false;
      await this.#lookOnce();
    }
    this.#isLooking = false;
  }

  async #lookOnce(): Promise<void> {
    let memories: readonly (Memory | undefined)[];
    try {
      memories = await Promise.all(this.#nodesOf().map(memoryOf));
    } catch {
      return;
    }
    const found = new Map<string, Memory>();
    for (const memory of memories) if (memory !== undefined) found.set(memory.runId, memory);
    const before = this.#known ?? found;
    // A node that did not answer has not changed for all that is known: it is missed once all of them answer.
    const isWhole = found.size === memories.length && found.size > 0;
    this.#known = isWhole ? found : new Map([...before, ...found]);
    for (const finding of changes(before, found, isWhole)) this.#tell(finding);
  }
}

async function memoryOf(node: Pick<RedisCommands, "info">): Promise<Memory | undefined> {
  const info = await readInfo(node, ["server", "stats"]);
  const runId = info?.get("run_id");
  if (runId === undefined) return undefined;
  return { runId, evictedKeys: Number(info?.get("evicted_keys") ?? 0) };
}

function changes(
  before: ReadonlyMap<string, Memory>,
  found: ReadonlyMap<string, Memory>,
  isWhole: boolean,
): Finding[] {
  const findings: Finding[] = [];
  const isGone = ({ runId }: Memory): boolean => !found.has(runId);
  if (isWhole && [...before.values()].some(isGone)) {
    findings.push({
      code: "server_replaced",
      severity: "warning",
      message:
        "a server restarted, or another one took its place (its run id changed): what was neither on its disk nor replicated is forgotten, and messages completed shortly before may take effect again. Set appendonly yes, and replicas for topics that can't bear it",
    });
  }
  let evicted = 0;
  for (const { runId, evictedKeys } of found.values()) {
    evicted += Math.max(0, evictedKeys - (before.get(runId)?.evictedKeys ?? 0));
  }
  if (evicted > 0) {
    findings.push(keysEvicted(evicted, "since the last look"));
  }
  return findings;
}
