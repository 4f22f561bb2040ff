import type { Kind, Tree } from "../../tree/index.ts";

/** What a tree holds, counted. */
export interface TreeFacts {
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
  /** Contents of all files, each counted once. */
  readonly contentBytes: number;
}

/** Counts a tree's inodes; hard links count once. */
export function treeFacts(tree: Tree): TreeFacts {
  const { inodes } = tree;
  const counts: Partial<Record<Kind, number>> = {};
  let contentBytes = 0;
  for (let ino = 0; ino < inodes.count; ino++) {
    if (inodes.nameCount(ino) === 0) continue;
    const kind = inodes.kind(ino);
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (kind === "file") contentBytes += inodes.size(ino);
  }
  return {
    files: counts.file ?? 0,
    directories: counts.directory ?? 0,
    symlinks: counts.symlink ?? 0,
    contentBytes,
  };
}
