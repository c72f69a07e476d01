import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { fill, isFilled, openCache } from "../cache-folder.js";

const report = (): void => {};

describe("openCache", () => {
  it("lies in the home folder unless ONLYONCE_CACHE says otherwise", () => {
    expect(openCache({ env: {}, report }).folder).toBe(join(homedir(), ".cache", "onlyonce"));
    expect(openCache({ env: { ONLYONCE_CACHE: "/elsewhere" }, report }).folder).toBe("/elsewhere");
  });

  it.each([
    [undefined, false],
    ["", false],
    ["0", false],
    ["1", true],
    ["true", true],
  ])("with ONLYONCE_OFFLINE=%s is offline: %s", (value, isOffline) => {
    expect(openCache({ env: { ONLYONCE_OFFLINE: value }, report }).isOffline).toBe(isOffline);
  });
});

describe("fill", () => {
  let parent = "";
  let folder = "";

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), "onlyonce-test-"));
    folder = join(parent, "deep", "libs");
    return () => rm(parent, { recursive: true });
  });

  it("makes the folder once", async () => {
    let made = 0;
    const make = async (dir: string): Promise<void> => {
      made += 1;
      await writeFile(join(dir, "jar"), "content");
    };
    await Promise.all([fill(folder, make), fill(folder, make)]);
    await fill(folder, make);
    expect(made).toBe(1);
    expect(await readFile(join(folder, "jar"), "utf8")).toBe("content");
    expect(await readdir(join(parent, "deep"))).toEqual(["libs"]);
  });

  it("leaves nothing behind when making fails, so that the next one starts afresh", async () => {
    const failing = fill(folder, async (dir) => {
      await writeFile(join(dir, "half"), "");
      throw new Error("the connection broke");
    });
    await expect(failing).rejects.toThrow("the connection broke");
    expect(await isFilled(folder)).toBe(false);
    expect(await readdir(join(parent, "deep"))).toEqual([]);
    await fill(folder, async () => {});
    expect(await isFilled(folder)).toBe(true);
  });

  it("does not show a half-filled folder under its name", async () => {
    await fill(folder, async () => {
      expect(await isFilled(folder)).toBe(false);
    });
  });

  it.each([
    ["finished", async () => {}],
    [
      "failed",
      async () => {
        throw new Error("the connection broke");
      },
    ],
  ])("takes the folder of a faster process, though it %s itself", async (_, end) => {
    await fill(folder, async (dir) => {
      await writeFile(join(dir, "jar"), "ours");
      await mkdir(folder);
      await writeFile(join(folder, "jar"), "theirs");
      await end();
    });
    expect(await readFile(join(folder, "jar"), "utf8")).toBe("theirs");
    expect(await readdir(join(parent, "deep"))).toEqual(["libs"]);
  });
});
