import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
// @boundaries-ignore the rules as core has them, which core does not export
import { afterRun, isExhausted } from "../../packages/core/src/decide.js";
import { runCommand } from "../servers/command.js";
import { executeOnCore, type PrintedRecord } from "./core-execution.js";
import { symbolIn, symbolsOf } from "./model-symbols.js";
import { findTools } from "./tools.js";

const TABLE_PRINT = fileURLToPath(new URL("table-print.pml", import.meta.url));
const MAX_ATTEMPTS = 2;
/** As in table-print.pml. */
const MY_TOKEN = 1;

const CALLS = [
  "CLAIM",
  "START",
  "RENEW",
  "COMPLETE",
  "RELEASE_FAILED",
  "RELEASE_UNSTARTED",
  "RELEASE_RESET",
] as const;

/** The replies of the model to each call. */
const REPLIES: Record<(typeof CALLS)[number], readonly string[]> = {
  CLAIM: ["ACQUIRED", "RECLAIMED", "TAKEN_OVER", "DUPLICATE", "BUSY", "STALE"],
  START: ["OK", "LOST"],
  RENEW: ["OK", "RESTORED", "LOST"],
  COMPLETE: ["DONE_OK", "DONE_LATE", "VANISHED", "STOLEN"],
  RELEASE_FAILED: ["OK", "LOST"],
  RELEASE_UNSTARTED: ["OK", "LOST"],
  RELEASE_RESET: ["OK", "LOST"],
};

/**
 * What the scripts answer beyond it, by script: `A` and `d` are `a` and `D` in another form; `C` needs a fingerprint; `m`
 * (malformed) counts as absent; `n` and `v` stand for records of a newer version.
 */
const NOT_MODELLED = {
  claim: "ACdmnv",
  start: "mn",
  renew: "mn",
  complete: "mn",
  release: "mn",
} as const;

let dir = "";
let printed: readonly (readonly string[])[] = [];
let symbols: ReadonlyMap<string, number> = new Map();
let decisions: ReadonlyMap<string, number> = new Map();

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "onlyonce-model-"));
  const { spin } = await findTools();
  const options = { cwd: dir, env: { ...process.env, LC_ALL: "C" } };
  const flags = ["-T", `-DMAX_ATTEMPTS=${MAX_ATTEMPTS}`, TABLE_PRINT];
  const output = await runCommand(spin, flags, options);
  printed = output.split("\n").map((line) => line.trim().split(" "));
  symbols = await symbolsOf("record.pml");
  decisions = await symbolsOf("decisions.pml");
});

afterAll(() => rm(dir, { recursive: true, force: true }));

interface Cell {
  readonly call: (typeof CALLS)[number];
  readonly grant: number;
  readonly before: PrintedRecord;
  readonly reply: number;
  readonly attempt: number;
  readonly after: PrintedRecord;
}

function cells(): readonly Cell[] {
  return printed
    .filter(([word]) => word === "cell")
    .map(([, verb, grant, before = "", reply, attempt, after = ""]) => {
      const call = CALLS.find((name) => symbolIn(symbols, name) === Number(verb));
      if (call === undefined) throw new Error(`the model made an unknown call ${verb}`);
      return {
        call,
        grant: Number(grant),
        before: before.split(",").map(Number),
        reply: Number(reply),
        attempt: Number(attempt),
        after: after.split(",").map(Number),
      };
    });
}

describe("the record table of the model", () => {
  it("changes every record as core's does, and answers the same, cell by cell", () => {
    const seen = new Set<string>();
    expect(cells()).toHaveLength(9 * 45);
    for (const { call, grant, before, reply, attempt, after } of cells()) {
      const core = executeOnCore(symbols, call, MY_TOKEN, grant, before);
      const model = {
        reply,
        ...(core.granted && { grant: after[2], attempt, suspect: after[4] === 1 }),
        after,
      };
      const { grant: coreGrant, attempt: coreAttempt, suspect } = core.granted ?? {};
      expect(model, `${call} with grant ${grant} on ${before.join()}`).toEqual({
        reply: core.reply,
        ...(core.granted && { grant: coreGrant, attempt: coreAttempt, suspect }),
        after: core.after,
      });
      seen.add(`${call} ${grant === 0 ? "by token" : "by grant"}`);
    }
    expect([...seen]).toHaveLength(9);
  });

  it("gives every reply that it has a character for", () => {
    for (const call of CALLS) {
      const given = new Set(cells().flatMap((cell) => (cell.call === call ? [cell.reply] : [])));
      const expected = new Set(REPLIES[call].map((name) => symbolIn(symbols, name)));
      expect(given, call).toEqual(expected);
    }
  });
});

describe("the decisions of the model", () => {
  const ABORTS = [undefined, "lease_lost", "time_up"] as const;
  const NEXT = {
    complete: "NEXT_COMPLETE",
    skip: "NEXT_SKIP",
    claim_again: "NEXT_CLAIM_AGAIN",
    fail: "NEXT_FAIL",
    poison: "NEXT_POISON",
  } as const;

  it("are those of core after every end of a run", () => {
    const ends = printed.filter(([word]) => word === "end");
    expect(ends).toHaveLength(2 * 3 * 4 * (MAX_ATTEMPTS + 1));
    for (const [, resolved, abortedBy, readSignal, skipped, tried, next, exhausted] of ends) {
      const attempt = Number(tried);
      const reason = ABORTS[Number(abortedBy)];
      const end = {
        ended: resolved === "1" ? ("resolved" as const) : ("rejected" as const),
        permanent: false,
        abortedBy: reason,
        mayHaveStopped: reason !== undefined && readSignal === "1",
        skipped: skipped === "1",
        attempt,
        maxAttempts: MAX_ATTEMPTS,
      };
      expect(Number(next), JSON.stringify(end)).toBe(symbolIn(decisions, NEXT[afterRun(end)]));
      expect(exhausted === "1").toBe(isExhausted(attempt, MAX_ATTEMPTS));
    }
  });

  it("fail open after as many tries as admission does", async () => {
    const source = await readSource("packages/core/src/admission.ts");
    const tries = /^const TRIES_BEFORE_FAIL_OPEN = (\d+);$/m.exec(source)?.[1];
    expect(Number(tries)).toBe(symbolIn(decisions, "TRIES_BEFORE_FAIL_OPEN"));
  });
});

describe("the characters of the model", () => {
  it("are the states that the scripts write and read", async () => {
    const record = await readSource("packages/redis/lua/shared/record.lua");
    const states = ["CLAIMED", "FAILED", "COMPLETED"].map((name) =>
      String.fromCharCode(symbolIn(symbols, name)),
    );
    expect(/'\^\(\[([A-Z]+)\]\)\(\[1-9A-Z\]\)'/.exec(record)?.[1]).toBe(states.join(""));
    expect(await readSource("packages/redis/lua/claim.lua")).toContain(`'${states[0]}10'`);
    expect(await readSource("packages/redis/lua/release.lua")).toContain(`'${states[1]}1'`);
    expect(record).toContain(`state = '${states[2]}'`);
  });

  it.each([
    ["claim", "CLAIM"],
    ["start", "START"],
    ["renew", "RENEW"],
    ["complete", "COMPLETE"],
    ["release", "RELEASE_FAILED"],
  ] as const)("are what %s.lua answers, but for what is not modelled", async (script, call) => {
    const source = await readSource(`packages/redis/lua/${script}.lua`);
    const modelled = REPLIES[call].map((name) => String.fromCharCode(symbolIn(symbols, name)));
    const expected = [...modelled, ...NOT_MODELLED[script]].sort();
    expect(answersIn(source, script === "complete")).toEqual(expected);
    expect(toldIn(source), "what the script says of itself").toEqual(expected);
  });

  it("tell completions apart as complete.lua does", async () => {
    const source = await readSource("packages/redis/lua/complete.lua");
    const words = ["ok", "late", "vanished", "stolen"];
    const told = REPLIES.COMPLETE.map(
      (name, index) => `${String.fromCharCode(symbolIn(symbols, name))} ${words[index]}`,
    );
    expect(source).toContain(`-- Returns  per key: ${told.join(" | ")} |`);
  });
});

function readSource(path: string): Promise<string> {
  return readFile(new URL(`../../${path}`, import.meta.url), "utf8");
}

/** The characters that a script assigns as answers. */
function answersIn(source: string, areDigits: boolean): readonly string[] {
  const code = source.replace(/^--.*$/gm, "").replace(/[=~]= '.'/g, "");
  const assigned = [...code.matchAll(/(?:answers\[i\] =|detailed\(i,)([^\n]*)/g)];
  const letters = assigned.flatMap(([, rest = ""]) => rest.match(/(?<=')[a-zA-Z](?=')/g) ?? []);
  const digits = [...code.matchAll(/(?:answer =|or) ([^\n]*)/g)].flatMap(
    ([, rest = ""]) => rest.match(/\b[0-3]\b/g) ?? [],
  );
  return [...new Set([...letters, ...(areDigits ? digits : [])])].sort();
}

/** The characters that a script's own heading names. */
function toldIn(source: string): readonly string[] {
  const heading = /-- Returns {2}per key: ([\s\S]*?)\n-- Cluster/.exec(source)?.[1] ?? "";
  const told = heading.replace(/\n-- +/g, " ").split(/ \| | and (?=[A-Z] )/);
  return told.map((part) => part.slice(0, 1)).sort();
}
