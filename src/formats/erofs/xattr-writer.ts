import { alignUp, compareBytes, display, equalBytes } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import type { Xattr } from "../../tree/index.ts";
import { withoutDuplicates } from "../xattrs.ts";
import { xattrEntry, xattrHeader } from "./layout.ts";
import { XATTR_PREFIXES } from "./layout-flags.ts";

/** i_xattr_icount has 16 bits. */
const XATTRS_BYTES_MAX = xattrHeader.sizeBytes + 4 * (0xffff - 1);
const VALUE_MAX = 0xffff;

/** An attribute in EROFS's terms. */
interface Attribute {
  readonly index: number;
  /** The name without what the index stands for. */
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * What stands between an inode and its contents; nothing for an inode without attributes. POSIX
 * ACLs are kept as getxattr(2) gives them (fs/erofs/xattr.c, erofs_get_acl). Throws IMAGE_LIMIT
 * when there are too many; tells `warn` about names that no Linux file system has.
 */
export function encodeXattrs(
  xattrs: readonly Xattr[],
  warn: (problem: string) => void,
): Uint8Array<ArrayBuffer> {
  const attributes = withoutDuplicates(xattrs)
    .map((xattr) => toAttribute(xattr, warn))
    .filter((attribute) => attribute !== undefined)
    .sort((a, b) => a.index - b.index || compareBytes(a.name, b.name));
  if (attributes.length === 0) return new Uint8Array();
  const total = attributes.reduce((sum, one) => sum + sizeOf(one), xattrHeader.sizeBytes);
  if (total > XATTRS_BYTES_MAX) {
    throw new WickError(
      "IMAGE_LIMIT",
      `Cannot store extended attributes: they take ${total} bytes, EROFS has room for ${XATTRS_BYTES_MAX}`,
    );
  }
  const bytes = new Uint8Array(total);
  let at = xattrHeader.sizeBytes; // h_shared_count: 0 = every inode has its own
  for (const attribute of attributes) at = write(bytes, at, attribute);
  return bytes;
}

/** i_xattr_icount of attributes that take `sizeBytes`. */
export function xattrCount(sizeBytes: number): number {
  return sizeBytes === 0 ? 0 : (sizeBytes - xattrHeader.sizeBytes) / 4 + 1;
}

function write(bytes: Uint8Array, at: number, attribute: Attribute): number {
  const { index, name, value } = attribute;
  if (value.length > VALUE_MAX) {
    throw new WickError(
      "IMAGE_LIMIT",
      `Cannot store an extended attribute of ${value.length} bytes: EROFS has room for ${VALUE_MAX}`,
    );
  }
  const entry = { e_name_len: name.length, e_name_index: index, e_value_size: value.length };
  xattrEntry.write(bytes, entry, at);
  bytes.set(name, at + xattrEntry.sizeBytes);
  bytes.set(value, at + xattrEntry.sizeBytes + name.length);
  return at + sizeOf(attribute);
}

function sizeOf({ name, value }: Attribute): number {
  return alignUp(xattrEntry.sizeBytes + name.length + value.length, 4);
}

function toAttribute(
  { name, value }: Xattr,
  warn: (problem: string) => void,
): Attribute | undefined {
  const found = XATTR_PREFIXES.find(({ prefix }) => startsWith(name, prefix));
  const suffix = name.subarray(found?.prefix.length ?? 0);
  if (found !== undefined && found.isWhole === (suffix.length === 0)) {
    return { index: found.index, name: suffix, value };
  }
  warn(`its extended attribute "${display(name)}" is left out: EROFS has no such name`);
  return undefined;
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.length >= prefix.length && equalBytes(bytes.subarray(0, prefix.length), prefix);
}
