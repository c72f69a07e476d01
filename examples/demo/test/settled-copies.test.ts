import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { readLines } from "../src/append-only-file.js";
import { Journal, type JournalEntry } from "../src/journal.js";
import { SettledCopies } from "../src/settled-copies.js";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "onlyonce-demo-test-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

function delivered(delivery: number, copyId: string): JournalEntry {
  return { event: "delivered", consumer: "one", delivery, copyId, atMs: 1 };
}

function ended(delivery: number, outcome: "processed" | "duplicate" | "busy"): JournalEntry {
  return { event: "outcome", consumer: "one", delivery, outcome, atMs: 1 };
}

function following(...paths: readonly string[]): SettledCopies {
  const settled = new SettledCopies();
  for (const path of paths) settled.follow(path);
  onTestFinished(() => settled.close());
  return settled;
}

it("a copy counts once it was processed or dropped, and not while it may come again", () => {
  const path = join(folder(), "journal");
  const settled = following(path);
  const journal = new Journal(path);
  for (const [index, copyId] of ["a/1", "b/1", "c/1", "d/1"].entries()) {
    journal.append(delivered(index, copyId));
  }
  settled.look();
  expect(settled.count).toBe(0);
  journal.append(ended(0, "processed"));
  journal.append(ended(1, "duplicate"));
  journal.append(ended(2, "busy"));
  settled.look();
  expect(settled.count).toBe(2);
});

it("a copy that two consumers were done with counts once", () => {
  const path = folder();
  const paths = [join(path, "one"), join(path, "two")];
  const settled = following(...paths);
  for (const each of paths) {
    const journal = new Journal(each);
    journal.append(delivered(1, "a/1"));
    journal.append(ended(1, "duplicate"));
  }
  settled.look();
  expect(settled.count).toBe(1);
});

it("a line that is not complete yet is read when it is", () => {
  const path = join(folder(), "journal");
  const settled = following(path);
  new Journal(path).append(delivered(1, "a/1"));
  const line = `${JSON.stringify(ended(1, "processed"))}\n`;
  appendFileSync(path, line.slice(0, 20));
  settled.look();
  expect(settled.count).toBe(0);
  appendFileSync(path, line.slice(20));
  settled.look();
  expect(settled.count).toBe(1);
});

it("more lines than are read at once are all read", () => {
  const path = join(folder(), "journal");
  const settled = following(path);
  const journal = new Journal(path);
  for (let delivery = 0; delivery < 2_000; delivery += 1) {
    journal.append(delivered(delivery, `${delivery}/1`));
    journal.append(ended(delivery, "processed"));
  }
  settled.look();
  expect(settled.count).toBe(2_000);
});

it("a torn last line was never appended, and a file that nobody wrote has no lines", () => {
  const path = join(folder(), "ledger");
  appendFileSync(path, '{"id":"a"}\n{"id":"b"}\n{"id":');
  expect(readLines(path)).toEqual([{ id: "a" }, { id: "b" }]);
  expect(readLines(`${path}-missing`)).toEqual([]);
});
