import { parseArgs } from "node:util";

/** What the command line asks for. */
export interface DemoOptions {
  /** Pass messages through without protection, to see what the brokers do by themselves. */
  readonly isOff: boolean;
  /** End with one line of JSON. */
  readonly isJson: boolean;
  /** Simulate both brokers in this process instead of using real ones. */
  readonly isEmbedded: boolean;
  /** Draw every delivery with OpenTelemetry, and show one duplicate. */
  readonly isTraced: boolean;
  /** Decides which messages are published twice, where they go, and how long they take. */
  readonly seed: number;
}

export type Arguments =
  | { readonly status: "run"; readonly options: DemoOptions }
  | { readonly status: "help" }
  | { readonly status: "refused"; readonly message: string };

const DEFAULT_SEED = 1;

export const USAGE: string = `Usage: npm run demo -- [--off] [--json] [--seed N] [--trace | --embedded]

  --off       run the same without onlyonce, and see the doubles
  --json      end with one line of JSON that holds the numbers of the table
  --seed N    another workload: 0 to 4294967295 (default ${DEFAULT_SEED})
  --trace     end with the trace of one duplicate, and what OpenTelemetry has counted
  --embedded  simulate both brokers in this process: no services, a few seconds
  --help      this text`;

export function parseArguments(argv: readonly string[]): Arguments {
  try {
    const { values } = parseArgs({
      args: [...argv],
      strict: true,
      options: {
        off: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        embedded: { type: "boolean", default: false },
        trace: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
        seed: { type: "string", default: String(DEFAULT_SEED) },
      },
    });
    if (values.help) return { status: "help" };
    const seed = /^\d{1,10}$/.test(values.seed) ? Number(values.seed) : Number.NaN;
    if (!(seed <= 0xffff_ffff)) {
      const message = `--seed takes a whole number from 0 to 4294967295, got "${values.seed}"`;
      return { status: "refused", message };
    }
    const { off: isOff, json: isJson, embedded: isEmbedded, trace: isTraced } = values;
    if (isTraced && isEmbedded) {
      const message = "--trace shows what several processes have drawn: it needs the services";
      return { status: "refused", message };
    }
    return { status: "run", options: { isOff, isJson, isEmbedded, isTraced, seed } };
  } catch (error) {
    return { status: "refused", message: error instanceof Error ? error.message : String(error) };
  }
}
