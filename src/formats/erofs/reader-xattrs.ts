import { alignUp } from "../../bytes/index.ts";
import type { Xattr } from "../../tree/index.ts";
import { xattrEntry, xattrHeader } from "./layout.ts";
import { XATTR_PREFIXES } from "./layout-flags.ts";
import type { ErofsInode } from "./reader-inodes.ts";
import type { Volume } from "./reader-volume.ts";

/** Bytes of shared attributes that are read for one inode. */
const SHARED_MAX = 1 << 18;

/**
 * The extended attributes of an inode, its own and those it shares. Names under a prefix that
 * Linux does not list are left out, as listxattr(2) leaves them out.
 */
export function readXattrs(volume: Volume, inode: ErofsInode): Xattr[] {
  const { position, sizeBytes } = inode.xattrs;
  if (sizeBytes === 0) return [];
  const what = `the extended attributes of inode ${inode.nid}`;
  const bytes = volume.bytes(position, sizeBytes, what);
  const shared = xattrHeader.read(bytes).h_shared_count;
  const first = xattrHeader.sizeBytes + 4 * shared;
  if (first > bytes.length) throw volume.invalid(`${what}: ${shared} of them are shared`);
  const found: Xattr[] = [];
  for (let at = first; at < bytes.length;) {
    const { xattr, length } = readEntry(bytes, at, () => volume.invalid(`${what} are cut off`));
    if (xattr !== undefined) found.push(xattr);
    at += length;
  }
  return [...found, ...readShared(volume, bytes.subarray(xattrHeader.sizeBytes, first), what)];
}

function readShared(volume: Volume, ids: Uint8Array, what: string): Xattr[] {
  const view = new DataView(ids.buffer, ids.byteOffset, ids.length);
  const found: Xattr[] = [];
  let left = SHARED_MAX;
  for (let at = 0; at < ids.length; at += 4) {
    const position = volume.geometry.sharedStart + view.getUint32(at, true) * 4;
    const head = volume.bytes(position, xattrEntry.sizeBytes, what);
    const length = lengthOf(head, 0);
    left -= length;
    if (left < 0) throw volume.limit(`${what} have more than ${SHARED_MAX} bytes`);
    const bytes = volume.bytes(position, length, what);
    const { xattr } = readEntry(bytes, 0, () => volume.invalid(`${what} are cut off`));
    if (xattr !== undefined) found.push(xattr);
  }
  return found;
}

/** Bytes of an entry without the padding. */
function lengthOf(bytes: Uint8Array, at: number): number {
  const { e_name_len, e_value_size } = xattrEntry.read(bytes, at);
  return xattrEntry.sizeBytes + e_name_len + e_value_size;
}

function readEntry(
  bytes: Uint8Array,
  at: number,
  cut: () => Error,
): { readonly xattr: Xattr | undefined; readonly length: number } {
  if (at + xattrEntry.sizeBytes > bytes.length) throw cut();
  const { e_name_len, e_name_index, e_value_size } = xattrEntry.read(bytes, at);
  const nameAt = at + xattrEntry.sizeBytes;
  const valueAt = nameAt + e_name_len;
  if (valueAt + e_value_size > bytes.length) throw cut();
  const length = alignUp(lengthOf(bytes, at), 4);
  const known = XATTR_PREFIXES.find(({ index }) => index === e_name_index);
  if (known === undefined || known.isWhole !== (e_name_len === 0)) {
    return { xattr: undefined, length };
  }
  const name = new Uint8Array(known.prefix.length + e_name_len);
  name.set(known.prefix);
  name.set(bytes.subarray(nameAt, valueAt), known.prefix.length);
  return { xattr: { name, value: bytes.slice(valueAt, valueAt + e_value_size) }, length };
}
