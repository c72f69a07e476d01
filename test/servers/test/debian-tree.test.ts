import { mkdir, mkdtemp, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseUris } from "../apt.js";
import { libraryPath } from "../debian-packages.js";
import { relinkInto } from "../links.js";

async function tree(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "onlyonce-test-"));
  onTestFinished(() => rm(root, { recursive: true }));
  return root;
}

describe("parseUris", () => {
  it("reads name, version with its epoch, and size of every package", () => {
    const output = [
      "'http://deb.debian.org/debian/pool/r/redis-server_7.0.15-1%7edeb12u10_amd64.deb' redis-server_5%3a7.0.15-1~deb12u10_amd64.deb 73908 SHA256:00",
      "'http://deb.debian.org/debian/pool/r/rabbitmq-server_3.10.8-1.1%2bdeb12u1_all.deb' rabbitmq-server_3.10.8-1.1+deb12u1_all.deb 14930220 ",
      "",
    ].join("\n");
    expect(parseUris(output)).toEqual([
      { name: "redis-server", version: "5:7.0.15-1~deb12u10", sizeBytes: 73_908 },
      { name: "rabbitmq-server", version: "3.10.8-1.1+deb12u1", sizeBytes: 14_930_220 },
    ]);
  });

  it("refuses a line that it does not understand", () => {
    expect(() => parseUris("'http://deb.debian.org/x' nonsense")).toThrow("unknown line");
  });
});

describe("relinkInto", () => {
  it("points absolute links of an unpacked tree into the tree, and leaves all others", async () => {
    const root = await tree();
    await mkdir(join(root, "etc/java"), { recursive: true });
    await mkdir(join(root, "usr/lib/jvm"), { recursive: true });
    await writeFile(join(root, "etc/java/security"), "inside");
    await symlink("/etc/java/security", join(root, "usr/lib/jvm/security"));
    await symlink("/etc/java", join(root, "usr/lib/jvm/conf"));
    await symlink("/nowhere/at/all", join(root, "usr/lib/jvm/outside"));
    await symlink("../lib", join(root, "usr/lib/relative"));
    await relinkInto(root);
    expect(await readFile(join(root, "usr/lib/jvm/security"), "utf8")).toBe("inside");
    expect(await readlink(join(root, "usr/lib/jvm/conf"))).toBe("../../../etc/java");
    expect(await readlink(join(root, "usr/lib/jvm/outside"))).toBe("/nowhere/at/all");
    expect(await readlink(join(root, "usr/lib/relative"))).toBe("../lib");
  });
});

describe("libraryPath", () => {
  it("names the folders of the processor's libraries", async () => {
    const root = await tree();
    for (const folder of ["usr/lib/aarch64-linux-gnu", "usr/lib/jvm", "lib/aarch64-linux-gnu"]) {
      await mkdir(join(root, folder), { recursive: true });
    }
    expect(await libraryPath(root)).toBe(
      `${root}/usr/lib/aarch64-linux-gnu:${root}/lib/aarch64-linux-gnu`,
    );
  });
});
