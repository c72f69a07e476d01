import { expect, it } from "vitest";
import { Cleanup } from "../src/cleanup.js";

it("everything is undone in reverse order, also after a step that failed", async () => {
  const done: string[] = [];
  const cleanup = new Cleanup();
  cleanup.add(async () => done.push("first"));
  cleanup.add(() => Promise.reject(new Error("no")));
  cleanup.add(async () => done.push("last"));
  expect(await cleanup.run()).toEqual([new Error("no")]);
  expect(done).toEqual(["last", "first"]);
});

it("what is added after the end is undone at once, and whoever added it is told to stop", async () => {
  const done: string[] = [];
  const cleanup = new Cleanup();
  await cleanup.run();
  expect(() => cleanup.add(async () => done.push("late"))).toThrow("the run is over");
  expect(done).toEqual(["late"]);
});
