import { type Storage, toSafeNumber } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { baseInode, DIRECTORY_TYPES, superblock, UNCOMPRESSED } from "./layout.ts";

/** Bytes before the contents of a block of metadata. */
const HEADER_BYTES = 2;

/**
 * Sets the mtime of the root of an image whose inodes are not compressed (`mksquashfs -noI`):
 * of an archive mksquashfs takes none for it, and writes the time of the day.
 */
export function setRootTime(storage: Storage, mtimeSeconds: number): void {
  const head = new Uint8Array(superblock.sizeBytes);
  storage.readAt(head, 0);
  const { root_inode, inode_table_start } = superblock.read(head);
  const block = toSafeNumber(inode_table_start + (root_inode >> 16n), "the root's block");
  const header = new Uint8Array(HEADER_BYTES);
  storage.readAt(header, block);
  const position = block + HEADER_BYTES + Number(root_inode & 0xffffn);
  const bytes = new Uint8Array(baseInode.sizeBytes);
  const isWhole = storage.readAt(bytes, position) === bytes.length;
  const isPlain = (new DataView(header.buffer).getUint16(0, true) & UNCOMPRESSED) !== 0;
  const inode = baseInode.read(bytes);
  if (!isWhole || !isPlain || !DIRECTORY_TYPES.includes(inode.inode_type)) {
    throw new WickError(
      "TOOL_FAILED",
      "Cannot finish the squashfs: its root is not where it should be",
    );
  }
  baseInode.write(bytes, { ...inode, mtime: mtimeSeconds });
  storage.writeAt(bytes, position);
}
