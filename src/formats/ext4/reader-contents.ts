import { INODE_FLAGS } from "./layout-flags.ts";
import { ExtentMap } from "./reader-extents.ts";
import { IndirectMap } from "./reader-block-map.ts";
import { isEncrypted, isInline, type Ext4Inode } from "./reader-inodes.ts";
import type { BlockMap } from "./reader-runs.ts";
import { inlineRest } from "./reader-xattrs.ts";
import type { Volume } from "./reader-volume.ts";

/** The bytes of one inode: a file's contents, a directory's blocks, a long symlink's target. */
export interface Contents {
  /** Fills all of `target` from byte `position`, holes as zeros; the caller stays inside i_size. */
  read(target: Uint8Array, position: number): void;
}

/** The contents of `inode`. Errors: UNSUPPORTED when they are encrypted. */
export function contentsOf(volume: Volume, inode: Ext4Inode): Contents {
  if (isEncrypted(inode)) throw volume.unsupported(`inode ${inode.ino} is encrypted`);
  if (isInline(inode)) return new InlineContents(volume, inode);
  return new BlockContents(volume, inode);
}

/** inline_data: the first 60 bytes in i_block, the rest as an attribute of the inode. */
class InlineContents implements Contents {
  readonly #bytes: Uint8Array;

  constructor(volume: Volume, inode: Ext4Inode) {
    const rest = inlineRest(volume, inode);
    const { i_block: start } = inode.raw;
    this.#bytes = new Uint8Array(start.length + rest.length);
    this.#bytes.set(start);
    this.#bytes.set(rest, start.length);
    if (inode.size <= this.#bytes.length) return;
    throw volume.invalid(
      `inode ${inode.ino} has ${inode.size} bytes, it holds ${this.#bytes.length}`,
    );
  }

  read(target: Uint8Array, position: number): void {
    target.set(this.#bytes.subarray(position, position + target.length));
  }
}

class BlockContents implements Contents {
  readonly #volume: Volume;
  readonly #what: string;
  readonly #map: BlockMap;

  constructor(volume: Volume, inode: Ext4Inode) {
    const extents = (inode.raw.i_flags & INODE_FLAGS.EXTENTS) !== 0;
    this.#volume = volume;
    this.#what = `inode ${inode.ino}`;
    this.#map = extents ? new ExtentMap(volume, inode) : new IndirectMap(volume, inode);
  }

  read(target: Uint8Array, position: number): void {
    const { blockSize } = this.#volume.geometry;
    let done = 0;
    while (done < target.length) {
      const logical = Math.floor((position + done) / blockSize);
      const within = (position + done) % blockSize;
      const run = this.#map.find(logical);
      const most = run.length * blockSize - within;
      const part = target.subarray(done, Math.min(done + most, target.length));
      if (run.physical === undefined) part.fill(0);
      else this.#volume.readAt(part, run.physical * blockSize + within, this.#what);
      done += part.length;
    }
  }
}
