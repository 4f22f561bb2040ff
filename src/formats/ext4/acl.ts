import { WickError } from "../../errors/index.ts";
import { ACL_TAG, ACL_VERSION, aclEntry, aclEntryShort, aclHeader } from "./layout-xattr.ts";

const TAGS: ReadonlySet<number> = new Set(Object.values(ACL_TAG));
const WITH_ID: ReadonlySet<number> = new Set([ACL_TAG.USER, ACL_TAG.GROUP]);

function invalid(is: string): WickError {
  return new WickError("ARCHIVE_INVALID", `Cannot store a POSIX ACL: ${is}`);
}

/**
 * A POSIX ACL as getxattr(2) gives it (linux/posix_acl_xattr.h, version 2, ids everywhere) in
 * ext4's own form (fs/ext4/acl.h, version 1, ids only where they mean something).
 */
export function aclToDisk(value: Uint8Array): Uint8Array {
  const entries = value.length - aclHeader.sizeBytes;
  if (entries < 0 || entries % aclEntry.sizeBytes !== 0) {
    throw invalid(`its value has ${value.length} bytes, wanted 4 and 8 for each entry`);
  }
  const version = aclHeader.read(value).a_version;
  if (version !== ACL_VERSION.uapi) throw invalid(`its version is ${version}, wanted 2`);
  const target = new Uint8Array(value.length);
  aclHeader.write(target, { a_version: ACL_VERSION.disk });
  let end = aclHeader.sizeBytes;
  for (let at = end; at < value.length; at += aclEntry.sizeBytes) {
    const entry = aclEntry.read(value, at);
    if (!TAGS.has(entry.e_tag)) throw invalid(`the kind of an entry is ${entry.e_tag}`);
    const table = WITH_ID.has(entry.e_tag) ? aclEntry : aclEntryShort;
    table.write(target, entry, end);
    end += table.sizeBytes;
  }
  return target.subarray(0, end);
}
