import type { KafkaBatch } from "../src/payload.js";
import type { KafkaRecord } from "../src/record.js";

/** One partition as a client would hand it over; notes what the adapter does with it. */
export class StubBatch implements KafkaBatch {
  readonly batch: KafkaBatch["batch"];
  readonly resolved: string[] = [];
  heartbeats = 0;
  commitChecks = 0;
  isPaused = false;
  running = true;
  stale = false;
  /** What the next heartbeats do. */
  onHeartbeat: () => Promise<void> = async () => undefined;
  onResolve: (offset: string) => void = () => undefined;
  onCommitCheck: () => Promise<void> = async () => undefined;

  constructor(ids: readonly string[], partition = 0) {
    const messages = ids.map((id, offset) => recordOf(id, offset));
    this.batch = { topic: "payments", partition, messages };
  }

  resolveOffset(offset: string): void {
    this.onResolve(offset);
    this.resolved.push(offset);
  }

  heartbeat(): Promise<void> {
    this.heartbeats += 1;
    return this.onHeartbeat();
  }

  commitOffsetsIfNecessary(): Promise<void> {
    this.commitChecks += 1;
    return this.onCommitCheck();
  }

  pause(): () => void {
    this.isPaused = true;
    return () => {
      this.isPaused = false;
    };
  }

  isRunning(): boolean {
    return this.running;
  }

  isStale(): boolean {
    return this.stale;
  }
}

export function recordOf(id: string, offset: number): KafkaRecord {
  return {
    key: null,
    value: Buffer.from(id),
    offset: String(offset),
    timestamp: "1700000000000",
    headers: { "idempotency-key": Buffer.from(id) },
  };
}

/** As kafkajs makes them of the coordinator's answer. */
export function protocolError(type: string): Error {
  return Object.assign(new Error(type), { name: "KafkaJSProtocolError", type, retriable: false });
}
