import { ACL_TAG, ACL_VERSION, aclEntry, aclEntryShort, aclHeader } from "./layout-xattr.ts";

const WITH_ID: ReadonlySet<number> = new Set([ACL_TAG.USER, ACL_TAG.GROUP]);
/** e_id where an entry has none (ACL_UNDEFINED_ID). */
const NO_ID = 0xffffffff;

/** ext4's form of a POSIX ACL as getxattr(2) gives it; undefined when it is none. */
export function aclFromDisk(value: Uint8Array): Uint8Array | undefined {
  if (value.length < aclHeader.sizeBytes) return undefined;
  if (aclHeader.read(value).a_version !== ACL_VERSION.disk) return undefined;
  const entries: ReturnType<typeof aclEntry.read>[] = [];
  let position = aclHeader.sizeBytes;
  while (position + aclEntryShort.sizeBytes <= value.length) {
    const short = aclEntryShort.read(value, position);
    const long = WITH_ID.has(short.e_tag);
    const sizeBytes = long ? aclEntry.sizeBytes : aclEntryShort.sizeBytes;
    if (position + sizeBytes > value.length) return undefined;
    entries.push(long ? aclEntry.read(value, position) : { ...short, e_id: NO_ID });
    position += sizeBytes;
  }
  if (position !== value.length) return undefined;
  return encode(entries);
}

function encode(entries: readonly ReturnType<typeof aclEntry.read>[]): Uint8Array {
  const bytes = new Uint8Array(aclHeader.sizeBytes + entries.length * aclEntry.sizeBytes);
  aclHeader.write(bytes, { a_version: ACL_VERSION.uapi });
  entries.forEach((entry, i) => {
    aclEntry.write(bytes, entry, aclHeader.sizeBytes + i * aclEntry.sizeBytes);
  });
  return bytes;
}
