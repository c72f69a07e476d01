import { chmod, open, readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

const ELF = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);

/** Runs a program by the loader and the libraries of the tree that it lies in. Its links lead to it, too. */
const STARTER = `#!/bin/sh
file=$(readlink -f "$0")
root=\${file%/usr/lib/*}
set -- "$file.elf" "$@"
for libraries in "$root"/usr/lib/*-linux-gnu; do break; done
for loader in "$libraries"/ld-linux*.so.*; do break; done
exec "$loader" --library-path "$libraries" --argv0 "$0" "$@"
`;

/**
 * Makes the programs of a folder below `usr/lib` run on a machine whose C library is older than theirs: each moves aside
 * and a starter takes its place. Neither root rights nor a change of root are needed, and the tree may be moved.
 */
export async function bindToTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile() || entry.name.endsWith(".so") || !(await isProgram(file))) continue;
    await rename(file, `${file}.elf`);
    await writeFile(file, STARTER);
    await chmod(file, 0o755);
  }
}

async function isProgram(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { mode } = await handle.stat();
    if ((mode & 0o100) === 0) return false;
    const { buffer } = await handle.read(Buffer.alloc(ELF.length), 0, ELF.length, 0);
    return buffer.equals(ELF);
  } finally {
    await handle.close();
  }
}
