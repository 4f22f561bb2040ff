import { display } from "../../bytes/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import { Tree, type Ino } from "../../tree/index.ts";
import { pathOf } from "../tree-path.ts";
import { shapeDirectory, withDots } from "./directory-writer.ts";
import { encodeDevice } from "./inode-encoder.ts";
import { InodePlan } from "./inode-plan.ts";
import { BLOCK, inodeExtended, SUPERBLOCK_OFFSET, superblock } from "./layout.ts";
import type { Output } from "./output.ts";
import { CHUNK_BLOCKS } from "./runs.ts";
import { TAIL_MAX, type ErofsSink } from "./sink.ts";
import type { Slots } from "./slots.ts";
import { encodeXattrs } from "./xattr-writer.ts";

/** The root's inode: right behind the superblock, because its number has 16 bits. */
export const ROOT_POSITION = SUPERBLOCK_OFFSET + superblock.sizeBytes;

/** Longest text of a symlink: PATH_MAX with its NUL, and one block. */
const SYMLINK_MAX = BLOCK - 1;

/** What the walks over a tree need. */
export interface TreeParts {
  readonly tree: Tree;
  readonly sink: ErofsSink;
  readonly slots: Slots;
  readonly output: Output;
  readonly warn: (message: string) => void;
}

/** Bytes of chunk addresses behind the inode of a file with holes. */
export function chunkTableBytes(sizeBytes: number): number {
  return Math.ceil(sizeBytes / (CHUNK_BLOCKS * BLOCK)) * 4;
}

/** How much of `sizeBytes` stands behind an inode with `headBytes`, if a block is room enough. */
export function inlineSymlink(headBytes: number, sizeBytes: number): boolean {
  return headBytes + sizeBytes <= BLOCK;
}

/** Bytes of a directory that stand behind its inode; the others have blocks of their own. */
export function directoryTail(ino: Ino, headBytes: number, sizeBytes: number): number {
  const tail = sizeBytes % BLOCK;
  const room = ino === Tree.ROOT ? BLOCK - ROOT_POSITION - headBytes : TAIL_MAX;
  return tail <= room ? tail : 0;
}

/**
 * Gives every inode its place. A directory's entries get theirs in the order of their names,
 * parents before children; what lies in one directory stays together.
 */
export class TreePlacer {
  readonly #parts: TreeParts;
  readonly #plan: InodePlan;

  constructor(parts: TreeParts) {
    this.#parts = parts;
    this.#plan = new InodePlan(parts.tree.inodes.count);
  }

  place(): InodePlan {
    const { tree } = this.#parts;
    this.#placeOne(Tree.ROOT, () => "/");
    const pending: Ino[] = [Tree.ROOT];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const directory = next;
      const below: Ino[] = [];
      for (const { name, ino } of tree.list(directory)) {
        if (this.#plan.isPlaced(ino)) continue;
        this.#placeOne(ino, () => pathOf(tree, directory, name));
        if (tree.inodes.kind(ino) === "directory") below.push(ino);
      }
      pending.push(...below.reverse());
    }
    return this.#plan;
  }

  #placeOne(ino: Ino, path: () => string): void {
    try {
      const xattrs = this.#encodeXattrs(ino, path);
      const head = inodeExtended.sizeBytes + xattrs.length;
      if (ino === Tree.ROOT) checkRoot(head);
      this.#plan.place(ino, this.#placeByKind(ino, head));
    } catch (error) {
      if (!isWickError(error, "IMAGE_LIMIT", "ARCHIVE_INVALID", "VALUE_OUT_OF_RANGE")) throw error;
      const problem = error.message.replace(/^Cannot/u, "cannot");
      throw new WickError(error.code, `Cannot write "${path()}": ${problem}`, { cause: error });
    }
  }

  #encodeXattrs(ino: Ino, path: () => string): Uint8Array {
    const { tree, warn } = this.#parts;
    const xattrs = tree.inodes.xattrs(ino);
    if (xattrs.length === 0) return this.#plan.xattrsOf(ino);
    const bytes = encodeXattrs(xattrs, (problem) => warn(`"${path()}": ${problem}`));
    if (bytes.length > 0) this.#plan.xattrs.set(ino, bytes);
    return bytes;
  }

  #placeByKind(ino: Ino, head: number): number {
    const { tree, slots } = this.#parts;
    const kind = tree.inodes.kind(ino);
    if (kind === "directory") return this.#placeDirectory(ino, head);
    if (kind === "file") return this.#placeFile(ino, head);
    if (kind === "symlink") return this.#placeSymlink(ino, head);
    if (kind === "char" || kind === "block") encodeDevice(tree.inodes.rdev(ino)); // checks it
    return slots.take(head, 0);
  }

  #placeDirectory(ino: Ino, head: number): number {
    const { tree, slots, output } = this.#parts;
    const names = withDots<{ name: Uint8Array }>(tree.list(ino), (name) => ({ name }));
    const { sizeBytes } = shapeDirectory(names);
    const tail = directoryTail(ino, head, sizeBytes);
    const blocks = Math.ceil((sizeBytes - tail) / BLOCK);
    if (blocks > 0) this.#plan.setBlock(ino, output.skip(blocks * BLOCK) / BLOCK);
    return ino === Tree.ROOT ? ROOT_POSITION : slots.take(head, tail);
  }

  #placeFile(ino: Ino, head: number): number {
    const { tree, sink, slots } = this.#parts;
    const place = tree.inodes.place(ino);
    const size = tree.inodes.size(ino);
    if (sink.hasHoles(place)) return slots.take(head + chunkTableBytes(size), 0);
    const reserved = sink.inodeAt(place);
    if (reserved === 0) return slots.take(head, 0);
    // Attributes stand between inode and contents: with some, the tail must move.
    return head === inodeExtended.sizeBytes ? reserved : slots.take(head, size % BLOCK);
  }

  #placeSymlink(ino: Ino, head: number): number {
    const { tree, slots, output } = this.#parts;
    const target = tree.inodes.target(ino) ?? new Uint8Array();
    if (target.length === 0 || target.length > SYMLINK_MAX || target.includes(0)) {
      const shown = display(target.subarray(0, 60));
      throw new WickError(
        "IMAGE_LIMIT",
        `Cannot store a symbolic link to "${shown}": ${target.length} bytes, wanted 1 to ${SYMLINK_MAX} and no NUL`,
      );
    }
    if (inlineSymlink(head, target.length)) return slots.take(head, target.length);
    this.#plan.setBlock(ino, output.skip(BLOCK) / BLOCK);
    return slots.take(head, 0);
  }
}

function checkRoot(head: number): void {
  const room = BLOCK - ROOT_POSITION;
  if (head <= room) return;
  throw new WickError(
    "IMAGE_LIMIT",
    `Cannot store the root's extended attributes: they and its inode take ${head} bytes, there is room for ${room}`,
  );
}
