import { lstat, readdir, readlink, rm, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

/**
 * Makes absolute links of an unpacked tree relative where their target is in the tree.
 *
 * Packages link to `/etc/…` and the like, which would lead out of the tree.
 */
export async function relinkInto(root: string): Promise<void> {
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const link = join(entry.parentPath, entry.name);
    const target = await readlink(link);
    if (!target.startsWith("/")) continue;
    const inside = join(root, target);
    const isInside = await lstat(inside).then(
      () => true,
      () => false,
    );
    if (!isInside) continue;
    await rm(link);
    await symlink(relative(dirname(link), inside), link);
  }
}
