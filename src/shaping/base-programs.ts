import type { Ino, Sink, Tree } from "../tree/index.ts";
import { readStart } from "./files.ts";
import { findQuietly } from "./programs.ts";

const STATUS_MAX_BYTES = 16 << 20;
const LIST_MAX_BYTES = 1 << 20;
const PACKAGES_MAX = 1000;

/**
 * Programs that Debian's base system brings, by the tree's own dpkg database: all that
 * packages of priority required and important have in a bin or sbin. Nothing without one.
 */
export function basePrograms(tree: Tree, sink: Sink): Set<Ino> {
  const found = new Set<Ino>();
  for (const name of basePackages(tree, sink).slice(0, PACKAGES_MAX)) {
    for (const path of filesOf(tree, sink, name)) {
      if (/\/s?bin\/[^/]+$/.test(path)) found.add(findQuietly(tree, path));
    }
  }
  found.delete(-1);
  return found;
}

function basePackages(tree: Tree, sink: Sink): string[] {
  const status = textAt(tree, sink, "/var/lib/dpkg/status", STATUS_MAX_BYTES);
  return status.split("\n\n").flatMap((paragraph) => {
    if (!/^(Priority: (required|important)|Essential: yes)$/m.test(paragraph)) return [];
    const name = /^Package: (\S+)$/m.exec(paragraph)?.[1];
    const architecture = /^Architecture: (\S+)$/m.exec(paragraph)?.[1];
    // Packages that may be there for several architectures have theirs in the file's name.
    return name === undefined ? [] : [name, `${name}:${architecture}`];
  });
}

function filesOf(tree: Tree, sink: Sink, name: string): string[] {
  return textAt(tree, sink, `/var/lib/dpkg/info/${name}.list`, LIST_MAX_BYTES).split("\n");
}

/** The start of a text file; empty when it is no file. */
function textAt(tree: Tree, sink: Sink, path: string, limitBytes: number): string {
  const ino = findQuietly(tree, path);
  if (ino < 0 || tree.inodes.kind(ino) !== "file") return "";
  return new TextDecoder().decode(readStart(tree, sink, ino, limitBytes));
}
