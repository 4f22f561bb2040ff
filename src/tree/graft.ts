import type { Entry } from "./entry.ts";
import { eachEntry } from "./play.ts";
import { RecordedPlaces } from "./recorded-places.ts";
import { findPath } from "./resolve.ts";
import { isUndescribed, type Tree } from "./tree.ts";
import { Unpacker, type UnpackOptions } from "./unpack.ts";

/**
 * Unpacks `from` on top of another tree as one layer. Both have their files' contents in the
 * one sink of `options`, where they stay. A directory of `from` that no entry ever described
 * changes nothing of one that is there.
 */
export function graftTree(from: Tree, options: Omit<UnpackOptions, "whiteouts">): void {
  const places = new RecordedPlaces(options.sink);
  const unpacker = new Unpacker({ ...options, sink: places });
  eachEntry(from, (entry, ino) => {
    if (isKnown(entry, options.tree)) return;
    unpacker.entry(entry);
    if (entry.type !== "file") return;
    places.next = from.inodes.place(ino);
    unpacker.hole(entry.size);
    unpacker.endFile();
  });
  unpacker.finish();
}

function isKnown(entry: Entry, tree: Tree): boolean {
  if (entry.type !== "directory" || !isUndescribed(entry)) return false;
  const ino = findPath(tree, entry.path);
  return ino >= 0 && tree.inodes.kind(ino) === "directory";
}
