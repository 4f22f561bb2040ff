import type { FileExtents } from "./file-extents.ts";
import { I_BLOCK_BYTES } from "./layout.ts";
import {
  EXT4_EXT_MAGIC,
  EXT_INIT_MAX_LEN,
  extent,
  extentHeader,
  ROOT_EXTENTS,
} from "./layout-extents.ts";

const header = extentHeader.offsets;
const entry = extent.offsets;

/**
 * The i_block of file after file whose extents fit into it. By hand and not through the tables,
 * because it runs once for every file.
 */
export class ExtentRoots {
  readonly #bytes = new Uint8Array(I_BLOCK_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);

  /** The root of `file`, lent until the next one is asked for. */
  of(extents: FileExtents, file: number): Uint8Array {
    this.#bytes.fill(0);
    const { from, to } = extents.range(file);
    let entries = 0;
    for (let i = from; i < to; i++) entries = this.#add(extents, i, entries);
    this.#view.setUint16(header.eh_magic, EXT4_EXT_MAGIC, true);
    this.#view.setUint16(header.eh_entries, entries, true);
    this.#view.setUint16(header.eh_max, ROOT_EXTENTS, true);
    return this.#bytes;
  }

  /** Adds a run, cut up where it is too long for one extent; returns how many there are then. */
  #add(extents: FileExtents, run: number, entries: number): number {
    const view = this.#view;
    const length = extents.length(run);
    for (let done = 0; done < length; done += EXT_INIT_MAX_LEN) {
      const at = extentHeader.sizeBytes + extent.sizeBytes * entries++;
      view.setUint32(at + entry.ee_block, extents.logical(run) + done, true);
      view.setUint16(at + entry.ee_len, Math.min(EXT_INIT_MAX_LEN, length - done), true);
      view.setUint32(at + entry.ee_start_lo, extents.start(run) + done, true);
    }
    return entries;
  }
}
