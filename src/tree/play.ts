import { isZero } from "../bytes/index.ts";
import type { Entry, LayerVisitor } from "./entry.ts";
import type { Ino } from "./inodes.ts";
import type { Sink } from "./sink.ts";
import { Tree } from "./tree.ts";

/** Contents are read from the sink in parts of this many bytes. */
const CHUNK_BYTES = 256 * 1024;

/**
 * Plays a tree as the entries of one layer: the root as `./`, parents before children,
 * siblings in byte order, a further name of an inode as a hard link to its first. Parts that
 * are all zeros are played as holes.
 */
export function playTree(tree: Tree, sink: Sink, visitor: LayerVisitor): void {
  const buffer = new Uint8Array(CHUNK_BYTES);
  eachEntry(tree, (entry, ino) => {
    visitor.entry(entry);
    if (entry.type === "file") playContents(tree, ino, sink, visitor, buffer);
  });
}

/** Every node as {@link playTree} has it; a further name of an inode as a hard link. */
export function eachEntry(tree: Tree, take: (entry: Entry, ino: Ino) => void): void {
  const firstNames = new Map<Ino, Uint8Array>();
  const root = new Uint8Array([0x2e, 0x2f]);
  const stack = [{ ino: Tree.ROOT, path: root }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { ino, path } = next;
    const first = firstNames.get(ino);
    take(entryOf(tree, ino, path, first), ino);
    if (tree.inodes.nameCount(ino) > 1 && first === undefined) firstNames.set(ino, path);
    if (tree.inodes.kind(ino) !== "directory") continue;
    const prefix = ino === Tree.ROOT ? new Uint8Array(0) : path;
    for (const child of tree.list(ino).reverse()) {
      stack.push({ ino: child.ino, path: joined(prefix, child.name) });
    }
  }
}

function joined(directory: Uint8Array, name: Uint8Array): Uint8Array<ArrayBuffer> {
  const prefixLength = directory.length === 0 ? 0 : directory.length + 1;
  const path = new Uint8Array(prefixLength + name.length);
  path.set(directory);
  if (prefixLength > 0) path[directory.length] = 0x2f;
  path.set(name, prefixLength);
  return path;
}

function entryOf(tree: Tree, ino: Ino, path: Uint8Array, first: Uint8Array | undefined): Entry {
  const { inodes } = tree;
  const type = first === undefined ? inodes.kind(ino) : "hardlink";
  const target = first ?? inodes.target(ino);
  const rdev = first === undefined ? inodes.rdev(ino) : undefined;
  return {
    ...inodes.metadata(ino),
    type,
    path,
    size: type === "file" ? inodes.size(ino) : 0,
    ...(target === undefined ? {} : { target }),
    ...(rdev === undefined ? {} : { rdev }),
  };
}

function playContents(
  tree: Tree,
  ino: Ino,
  sink: Sink,
  visitor: LayerVisitor,
  buffer: Uint8Array,
): void {
  const size = tree.inodes.size(ino);
  for (let position = 0; position < size; position += buffer.length) {
    const part = buffer.subarray(0, Math.min(buffer.length, size - position));
    sink.read(tree.inodes.place(ino), part, position);
    if (isZero(part)) visitor.hole(part.length);
    else visitor.data(part);
  }
  visitor.endFile();
}
