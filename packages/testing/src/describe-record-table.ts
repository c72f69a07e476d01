import type { Store } from "@onlyonce/core";
import { describe, expect } from "vitest";
import {
  LONGEST_WINDOW_MS,
  type StoreFeatures,
  type StoreTest,
  type StoreUnderTest,
} from "./store-harness.js";
import { CALLS, type Call, FINGERPRINT, MALFORMED_ROW, ROWS, type Row } from "./store-table.js";
import { TestKey, told, WINDOW_MS } from "./test-key.js";

/** Calls carry a longer window than the records have, so that a renewed expiry shows. */
const CALLED_WINDOW_MS = 2 * WINDOW_MS;

interface PreparedRow {
  readonly row: Row;
  readonly key: TestKey;
  readonly grant: number;
}

async function prepared(subject: StoreUnderTest, row: Row): Promise<PreparedRow> {
  const key = new TestKey(subject);
  return { row, key, grant: await row.prepare(key, subject) };
}

/** Makes one call for all rows, in words. */
async function execute(
  store: Store,
  call: Call,
  rows: readonly PreparedRow[],
): Promise<readonly string[]> {
  const overrides = { windowMs: CALLED_WINDOW_MS, fingerprint: FINGERPRINT };
  const requests = rows.map(({ key }) => key.request("mine", overrides));
  const held = rows.map(({ key, grant }) => key.held("mine", grant, overrides));
  switch (call) {
    case "claim":
      return (await store.claim(requests)).map(told);
    case "remember":
      return (await store.remember(requests)).map(told);
    case "start":
      return (await store.start(held)).map(told);
    case "renew":
      return (await store.renew(held)).map(told);
    case "complete":
      return (await store.complete(held)).map(told);
    case "complete without grant":
      return (await store.complete(requests)).map(told);
    case "release as failed":
      return (await store.release(held.map((each) => ({ ...each, as: "failed" })))).map(told);
    case "release as unstarted":
      return (await store.release(held.map((each) => ({ ...each, as: "unstarted" })))).map(told);
    case "release as reset":
      return (await store.release(held.map((each) => ({ ...each, as: "reset" })))).map(told);
    case "release without grant":
      return (await store.release(requests.map((each) => ({ ...each, as: "unstarted" })))).map(
        told,
      );
  }
}

/** Checks what the call left: its expiry first, since naming the state may change the record. */
async function expectLeft({ row, key }: PreparedRow, call: Call, lateMs: number): Promise<void> {
  const cell = row.cells[call];
  const expiresInMs = await key.expiresInMs();
  if (cell.writes) expect(expiresInMs, "renews the expiry").toBeGreaterThan(WINDOW_MS);
  else expect(expiresInMs, "leaves the expiry alone").toBeLessThanOrEqual(WINDOW_MS + lateMs);
  expect(await key.state()).toBe(cell.state);
}

/** The row with cells that say what the store can tell: a claim tells whose it is in every store. */
function inWords(row: Row, { words }: StoreTest): Row {
  const cells = CALLS.map((call) => {
    const cell = row.cells[call];
    if (!cell.state.startsWith("completed")) return [call, cell] as const;
    const { reply, again, state, writes } = cell;
    const told = { reply: words(reply), again: words(again), state: words(state), writes };
    return [call, told] as const;
  });
  return { ...row, cells: Object.fromEntries(cells) as Row["cells"] };
}

/** Every cell of the record table: alone, executed twice, in a batch, and twice inside one batch. */
export function describeRecordTable(test: StoreTest, features: StoreFeatures): void {
  const rows = [
    ...ROWS.filter(({ needs }) => needs !== "fingerprint" || features.completed !== "bare"),
    ...(features.records === "corruptible" ? [MALFORMED_ROW] : []),
  ].map((row) => inWords(row, test));
  const lateMs = (features.lateness ?? 0) * LONGEST_WINDOW_MS;
  describe.each(CALLS)("record table: %s", (call) => {
    describe.concurrent("cell by cell", () => {
      for (const row of rows) {
        const { reply, again, state } = row.cells[call];
        const outcome = `"${reply}" and leaves "${state}"`;

        test(`${call} on ${row.name} answers ${outcome}`, async (subject) => {
          const ready = await prepared(subject, row);
          expect(await execute(subject.store, call, [ready])).toEqual([reply]);
          await expectLeft(ready, call, lateMs);
        });

        test(`${call} on ${row.name}, executed twice, answers "${again}" again`, async (subject) => {
          const ready = await prepared(subject, row);
          expect(await execute(subject.store, call, [ready])).toEqual([reply]);
          const revision = await ready.key.revision();
          expect(await execute(subject.store, call, [ready])).toEqual([again]);
          expect(await ready.key.revision()).toBe(revision);
          await expectLeft(ready, call, lateMs);
        });
      }

      test(`${call} answers a batch of every row in the order of the requests`, async (subject) => {
        const ready = await Promise.all(rows.map((row) => prepared(subject, row)));
        const replies = await execute(subject.store, call, ready);
        expect(replies).toEqual(rows.map((row) => row.cells[call].reply));
        for (const each of ready) await expectLeft(each, call, lateMs);
      });

      test(`${call} executes equal keys of one batch in order`, async (subject) => {
        const ready = await Promise.all(rows.map((row) => prepared(subject, row)));
        const replies = await execute(subject.store, call, [...ready, ...ready]);
        const first = rows.map((row) => row.cells[call].reply);
        const second = rows.map((row) => row.cells[call].again);
        expect(replies).toEqual([...first, ...second]);
        for (const each of ready) await expectLeft(each, call, lateMs);
      });
    });
  });
}
