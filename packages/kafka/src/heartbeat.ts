import type { Clock } from "@onlyonce/core";
import type { KafkaBatch } from "./payload.js";

/** How often the pump looks. The client itself sends a heartbeat only when its `heartbeatInterval` has passed. */
const LOOK_EVERY_MS = 250;

/** What the group coordinator says about this consumer. */
type Membership = "member" | "rebalancing" | "lost";

/** Undefined: an error that says nothing about membership, such as a broken connection. */
function membershipIn(error: unknown): Membership | undefined {
  const type: unknown =
    typeof error === "object" && error !== null ? Reflect.get(error, "type") : undefined;
  switch (type) {
    case "REBALANCE_IN_PROGRESS":
    case "NOT_COORDINATOR_FOR_GROUP":
      return "rebalancing";
    case "UNKNOWN_MEMBER_ID":
    case "ILLEGAL_GENERATION":
    case "FENCED_INSTANCE_ID":
      return "lost";
    default:
      return undefined;
  }
}

/**
 * Keeps the consumer in its group while one batch is worked on, and notices when it should stop. Bounded: beats only
 * within the time granted by `keepAliveFor`, so a handler that is stuck does lose its partition in the end.
 */
export class HeartbeatPump {
  readonly #batch: Pick<KafkaBatch, "heartbeat" | "isRunning" | "isStale">;
  readonly #clock: Clock;
  readonly #leaving = new AbortController();
  /** Called, perhaps often, while claims taken ahead had better be given back: somebody else may soon want them. */
  onDoubt: (() => void) | undefined;
  #membership: Membership = "member";
  #untilMs = 0;
  #isBeating = false;
  #cancel: (() => void) | undefined;

  constructor(batch: Pick<KafkaBatch, "heartbeat" | "isRunning" | "isStale">, clock: Clock) {
    this.#batch = batch;
    this.#clock = clock;
  }

  /** Aborts when waiting for a key has lost its point: shutdown, a seek, a rebalance. Handlers are not told. */
  get signal(): AbortSignal {
    return this.#leaving.signal;
  }

  /** Whether the client still wants this batch. False after `stop`, `disconnect` or `seek`. */
  get isWanted(): boolean {
    try {
      return this.#batch.isRunning() && !this.#batch.isStale();
    } catch {
      return false;
    }
  }

  /** Whether the next record may be touched. */
  get mayGoOn(): boolean {
    return this.#membership === "member" && this.isWanted;
  }

  start(): void {
    this.#cancel = this.#clock.after(LOOK_EVERY_MS, this.#look);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Grants heartbeats for so long from now, in milliseconds. */
  keepAliveFor(durationMs: number): void {
    this.#untilMs = this.#clock.nowMs() + durationMs;
  }

  /** One heartbeat. Never rejects: false when the client could not send it, or was told to rejoin. */
  async beat(): Promise<boolean> {
    if (this.#membership === "lost") return false;
    this.#isBeating = true;
    try {
      await this.#batch.heartbeat();
      return true;
    } catch (error) {
      const membership = membershipIn(error);
      if (membership !== undefined) {
        this.#membership = membership;
        this.#leave();
      }
      return false;
    } finally {
      this.#isBeating = false;
    }
  }

  readonly #look = (): void => {
    if (!this.isWanted) this.#leave();
    const isInTime = this.#clock.nowMs() < this.#untilMs;
    if (!isInTime) this.onDoubt?.();
    else if (!this.#isBeating) void this.beat();
    if (this.#membership !== "lost") this.start();
  };

  #leave(): void {
    this.#leaving.abort();
    this.onDoubt?.();
  }
}
