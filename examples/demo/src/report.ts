import { type Audit, total } from "./audit.js";

/** What is known of one broker when the run is over. */
export interface BrokerResult {
  readonly broker: "rabbitmq" | "kafka";
  readonly audit: Audit;
  /** Messages that the broker still had when everything was over: done, but not settled. */
  readonly left: number;
  /** From the first publication until its consumers had settled the last message. */
  readonly seconds: number;
}

export interface Report {
  readonly isOff: boolean;
  readonly isEmbedded: boolean;
  readonly seed: number;
  readonly results: readonly BrokerResult[];
  /** Of the whole run, services included. */
  readonly seconds: number;
  /** Holds ledgers, journals and the log of the client libraries. */
  readonly folder: string;
}

type Column = Audit & { readonly seconds: number };

const TASKS = { rabbitmq: "payments", kafka: "orders" } as const;
const BROKERS = { rabbitmq: "RabbitMQ", kafka: "Kafka" } as const;

/** What an engineer would want to know although it is no failure. */
export function remarks({ results }: Report): readonly string[] {
  return results
    .filter(({ left }) => left > 0)
    .map(
      ({ broker, left }) =>
        `${BROKERS[broker]} still had ${left} messages at the end: done, but not settled.`,
    );
}

/** Why the run counts as failed; nothing if it does not. Without protection only a lost message is a failure. */
export function complaints({ isOff, results }: Report): readonly string[] {
  const { lost, doubled, explained } = total(results.map(({ audit }) => audit));
  const texts: string[] = [];
  if (lost > 0) texts.push(`${lost} messages were lost: they were published and have no effect.`);
  if (!isOff && doubled > explained) {
    texts.push(`${doubled - explained} effects are doubled and no kill explains them.`);
  }
  return texts;
}

const ROWS: readonly (readonly [title: string, value: (column: Column) => number])[] = [
  ["published", ({ published }) => published],
  ["deliveries", ({ deliveries }) => deliveries],
  ["effects", ({ effects }) => effects],
  ["dropped: publisher's duplicate", ({ dropped }) => dropped.publisher],
  ["dropped: redelivery after a kill", ({ dropped }) => dropped.kill],
  ["dropped: rebalance", ({ dropped }) => dropped.rebalance],
  ["dropped: other redelivery", ({ dropped }) => dropped.other],
  ["cut short: killed or moved", ({ unfinished }) => unfinished],
  ["handed back, came again", ({ handedBack }) => handedBack],
  ["lost", ({ lost }) => lost],
  ["doubled", ({ doubled }) => doubled],
  ["· by the publisher", ({ doubledBy }) => doubledBy.publisher],
  ["· by a redelivery after a kill", ({ doubledBy }) => doubledBy.kill],
  ["· by a rebalance", ({ doubledBy }) => doubledBy.rebalance],
  ["· by another redelivery", ({ doubledBy }) => doubledBy.other],
  ["· explained by a kill", ({ explained }) => explained],
];

/** Rows that are left out where they have nothing to say. */
const OPTIONAL = /^·|^handed back|other/;

/** The numbers, one column per broker and one for both. */
export function table(report: Report): string {
  const columns: Column[] = report.results.map(({ audit, seconds }) => ({ ...audit, seconds }));
  columns.push({ ...total(columns), seconds: report.seconds });
  const brokers = report.results.map(({ broker }) => broker);
  const rows = ROWS.map(([title, value]) => ({ title, values: columns.map(value) }))
    .filter(({ title, values }) => !OPTIONAL.test(title) || values.some((value) => value > 0))
    .map(({ title, values }) =>
      line(
        title,
        values.map((value) => value.toLocaleString("en")),
      ),
    );
  return [
    line("", [...brokers.map((broker) => TASKS[broker]), "total"]),
    line(
      "",
      report.isEmbedded ? ["simulated", "simulated"] : brokers.map((broker) => BROKERS[broker]),
    ),
    ...rows,
    line(
      "seconds",
      columns.map(({ seconds }) => seconds.toFixed(1)),
    ),
  ].join("\n");
}

function line(title: string, cells: readonly string[]): string {
  return (title.padEnd(34) + cells.map((cell) => cell.padStart(10)).join("")).trimEnd();
}

/** The same numbers as one line of JSON. */
export function json(report: Report): string {
  const { results, isOff, isEmbedded, seed, seconds, folder } = report;
  const brokers = Object.fromEntries(
    results.map(({ broker, audit, left, seconds }) => [
      broker,
      { ...audit, left, seconds: round(seconds) },
    ]),
  );
  return JSON.stringify({
    ok: complaints(report).length === 0,
    mode: isOff ? "off" : "enforce",
    embedded: isEmbedded,
    seed,
    brokers,
    total: { ...total(results.map(({ audit }) => audit)), seconds: round(seconds) },
    folder,
  });
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
