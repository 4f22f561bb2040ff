import { NO_PLACE, type Ino, type Kind } from "../../tree/index.ts";
import { FILE_TYPE } from "../file-types.ts";
import { BlockEditor } from "./block-editor.ts";
import {
  shapeDirectory,
  withDots,
  writeDirectory,
  type DirectoryEntry,
} from "./directory-writer.ts";
import { encodeDevice, encodeInode } from "./inode-encoder.ts";
import type { InodePlan } from "./inode-plan.ts";
import { BLOCK, inodeExtended } from "./layout.ts";
import { LAYOUT, NULL_ADDR } from "./layout-flags.ts";
import { CHUNK_BLOCKS } from "./runs.ts";
import { chunkTableBytes, directoryTail, inlineSymlink, type TreeParts } from "./tree-placer.ts";
import { xattrCount } from "./xattr-writer.ts";

/** What an inode says of its contents, and what of them stands behind it. */
interface Contents {
  readonly layout: number;
  readonly union: number;
  readonly sizeBytes: number;
  readonly links: number;
  /** Undefined: they are there already. */
  readonly behind?: Uint8Array;
}

/** Writes inodes and directories into the places that a plan has for them. */
export class TreeWriter {
  readonly #parts: TreeParts;
  readonly #plan: InodePlan;
  readonly #editor: BlockEditor;

  constructor(parts: TreeParts, plan: InodePlan) {
    this.#parts = parts;
    this.#plan = plan;
    this.#editor = new BlockEditor(parts.output);
  }

  write(): void {
    for (const [number, ino] of this.#plan.inOrder()) this.#writeInode(number, ino);
    this.#editor.flush();
  }

  #writeInode(number: number, ino: Ino): void {
    const { inodes } = this.#parts.tree;
    const xattrs = this.#plan.xattrsOf(ino);
    const { behind, ...contents } = this.#contents(ino, inodeExtended.sizeBytes + xattrs.length);
    const inode = encodeInode({
      ...contents,
      number,
      xattrCount: xattrCount(xattrs.length),
      stMode: inodes.stMode(ino),
      uid: inodes.uid(ino),
      gid: inodes.gid(ino),
      time: inodes.mtime(ino),
    });
    const position = this.#plan.position(ino);
    this.#editor.write(inode, position);
    this.#editor.write(xattrs, position + inode.length);
    if (behind !== undefined) this.#editor.write(behind, position + inode.length + xattrs.length);
  }

  #contents(ino: Ino, head: number): Contents {
    const { inodes } = this.#parts.tree;
    const kind = inodes.kind(ino);
    const links = inodes.nameCount(ino);
    if (kind === "directory") return this.#directory(ino, head);
    if (kind === "symlink") return this.#symlink(ino, head);
    if (kind === "file") return this.#file(ino, head);
    const isDevice = kind === "char" || kind === "block";
    const union = isDevice ? encodeDevice(inodes.rdev(ino)) : 0;
    return { layout: LAYOUT.FLAT_PLAIN, union, sizeBytes: 0, links };
  }

  #directory(ino: Ino, head: number): Contents {
    const { output } = this.#parts;
    const { entries, subdirectories } = this.#entries(ino);
    const shape = shapeDirectory(entries);
    const bytes = new Uint8Array(shape.sizeBytes);
    writeDirectory(bytes, shape, entries);
    const tail = directoryTail(ino, head, shape.sizeBytes);
    const whole = shape.sizeBytes - tail;
    const union = this.#plan.block(ino);
    if (whole > 0) output.patch(bytes.subarray(0, whole), union * BLOCK);
    return {
      layout: tail > 0 ? LAYOUT.FLAT_INLINE : LAYOUT.FLAT_PLAIN,
      union,
      sizeBytes: shape.sizeBytes,
      links: 2 + subdirectories,
      behind: bytes.subarray(whole),
    };
  }

  #entries(directory: Ino): { entries: DirectoryEntry[]; subdirectories: number } {
    const { tree } = this.#parts;
    let subdirectories = 0;
    const entry = (name: Uint8Array, ino: Ino, kind: Kind): DirectoryEntry => ({
      name,
      nid: this.#plan.nid(ino),
      fileType: FILE_TYPE[kind],
    });
    const own = tree.list(directory).map(({ name, ino }) => {
      const kind = tree.inodes.kind(ino);
      if (kind === "directory") subdirectories++;
      return entry(name, ino, kind);
    });
    const dot = (name: Uint8Array): DirectoryEntry =>
      entry(name, name.length === 1 ? directory : tree.parent(directory), "directory");
    return { entries: withDots(own, dot), subdirectories };
  }

  #symlink(ino: Ino, head: number): Contents {
    const { tree, output } = this.#parts;
    const target = tree.inodes.target(ino)!;
    const links = tree.inodes.nameCount(ino);
    const sizeBytes = target.length;
    if (inlineSymlink(head, sizeBytes)) {
      return { layout: LAYOUT.FLAT_INLINE, union: 0, sizeBytes, links, behind: target };
    }
    const union = this.#plan.block(ino);
    output.patch(target, union * BLOCK);
    return { layout: LAYOUT.FLAT_PLAIN, union, sizeBytes, links };
  }

  #file(ino: Ino, head: number): Contents {
    const { tree, sink } = this.#parts;
    const place = tree.inodes.place(ino);
    const sizeBytes = tree.inodes.size(ino);
    const links = tree.inodes.nameCount(ino);
    if (sink.hasHoles(place)) return { ...this.#chunks(ino), sizeBytes, links };
    const reserved = sink.inodeAt(place);
    const union = sink.startBlock(place);
    if (reserved === 0) return { layout: LAYOUT.FLAT_PLAIN, union, sizeBytes, links };
    const inline = { layout: LAYOUT.FLAT_INLINE, union, sizeBytes, links };
    if (head === inodeExtended.sizeBytes) return inline;
    const behind = new Uint8Array(sizeBytes % BLOCK);
    if (place !== NO_PLACE) sink.read(place, behind, sizeBytes - behind.length);
    return { ...inline, behind };
  }

  /** A file with holes: the block of every chunk, one after the other. */
  #chunks(ino: Ino): Pick<Contents, "layout" | "union" | "behind"> {
    const { tree, sink } = this.#parts;
    const behind = new Uint8Array(chunkTableBytes(tree.inodes.size(ino)));
    const view = new DataView(behind.buffer);
    for (let at = 0; at < behind.length; at += 4) view.setUint32(at, NULL_ADDR, true);
    for (const { logical, start, length } of sink.runs(tree.inodes.place(ino))) {
      for (let block = 0; block < length; block += CHUNK_BLOCKS) {
        view.setUint32(((logical + block) / CHUNK_BLOCKS) * 4, start + block, true);
      }
    }
    return { layout: LAYOUT.CHUNK_BASED, union: Math.log2(CHUNK_BLOCKS), behind };
  }
}
