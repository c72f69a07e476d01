import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where one run keeps what it writes. It stays after the run, for whoever wants to look. */
export class RunFolder {
  readonly path: string;

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), "onlyonce-demo-"));
  }

  /** Effects of all consumers of a broker. */
  ledger(broker: string): string {
    return join(this.path, `${broker}.ledger.jsonl`);
  }

  /** What one consumer, or a broker's supervisor, saw. */
  journal(owner: string): string {
    return join(this.path, `${owner}.journal.jsonl`);
  }

  /** Whatever client libraries and consumers print. */
  get clientLog(): string {
    return join(this.path, "clients.log");
  }
}
