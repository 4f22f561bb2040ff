import { le16, le32, struct, utf8 } from "../../bytes/index.ts";
import type { Xattr } from "../../tree/index.ts";
import { latin1 } from "./pax.ts";

/** `struct posix_acl_xattr_header` (include/uapi/linux/posix_acl_xattr.h). */
const posix_acl_xattr_header = struct("posix_acl_xattr_header", 4, [[0x0, "a_version", le32]]);

/** `struct posix_acl_xattr_entry`. */
const posix_acl_xattr_entry = struct("posix_acl_xattr_entry", 8, [
  [0x0, "e_tag", le16],
  [0x2, "e_perm", le16],
  [0x4, "e_id", le32],
]);

const POSIX_ACL_XATTR_VERSION = 2;
/** `e_id` of entries that name nobody. */
const ACL_UNDEFINED_ID = 0xffffffff;
const MAX_ID = 0xfffffffe;

/** Tags by the text's word, for the owner's kind and for a named one (ACL_USER_OBJ, ACL_USER …). */
const tags: Record<string, { readonly own: number; readonly named?: number }> = {
  user: { own: 0x01, named: 0x02 },
  group: { own: 0x04, named: 0x08 },
  mask: { own: 0x10 },
  other: { own: 0x20 },
};

/** Pax records with an ACL in text form (star, GNU tar, libarchive), and the kernel's attribute. */
const records = [
  ["SCHILY.acl.access", "system.posix_acl_access"],
  ["SCHILY.acl.default", "system.posix_acl_default"],
] as const;

interface AclEntry {
  readonly e_tag: number;
  readonly e_perm: number;
  readonly e_id: number;
}

/** ACLs of an entry as extended attributes, and those that could not be read. */
export interface Acls {
  readonly xattrs: readonly Xattr[];
  /** The permission bits (0o777) that an access ACL gives, undefined without one. */
  readonly permissions: number | undefined;
  /** Keys of records that name users or groups without their numbers. */
  readonly unreadable: readonly string[];
}

const NO_ACLS: Acls = { xattrs: [], permissions: undefined, unreadable: [] };

/** Turns the ACL records into the extended attributes that Linux keeps them in. */
export function aclsOf(values: ReadonlyMap<string, Uint8Array>): Acls {
  if (!records.some(([key]) => values.has(key))) return NO_ACLS;
  const acls = { xattrs: [] as Xattr[], unreadable: [] as string[] };
  let permissions: number | undefined;
  for (const [key, attribute] of records) {
    const text = values.get(key);
    if (text === undefined) continue;
    const entries = parseAcl(latin1(text));
    if (entries === undefined) acls.unreadable.push(key);
    else if (entries.length > 0) {
      acls.xattrs.push({ name: utf8(attribute), value: encode(entries) });
      if (key === "SCHILY.acl.access") permissions = permissionsOf(entries);
    }
  }
  return { ...acls, permissions };
}

/** As posix_acl_equiv_mode of fs/posix_acl.c: the mask, where there is one, is the group's. */
function permissionsOf(entries: readonly AclEntry[]): number {
  const perm = (tag: number): number | undefined => entries.find((e) => e.e_tag === tag)?.e_perm;
  const group = perm(tags["mask"]!.own) ?? perm(tags["group"]!.own) ?? 0;
  return ((perm(tags["user"]!.own) ?? 0) << 6) | (group << 3) | (perm(tags["other"]!.own) ?? 0);
}

/** `user::rwx,user:1000:r--,…`, parted by commas or lines; undefined when it is not understood. */
function parseAcl(text: string): AclEntry[] | undefined {
  const entries: AclEntry[] = [];
  for (const line of text.split(/[,\n]/)) {
    const content = line.replace(/#.*/, "").trim();
    if (content === "") continue;
    const entry = parseEntry(content);
    if (entry === undefined) return undefined;
    entries.push(entry);
  }
  // posix_acl_valid of fs/posix_acl.c wants this order.
  return entries.sort((a, b) => a.e_tag - b.e_tag || a.e_id - b.e_id);
}

/** `tag:name:perm`, with libarchive's `:id` behind, which then says who the name is. */
function parseEntry(text: string): AclEntry | undefined {
  const [word = "", name = "", perm = "", id = name] = text.split(":");
  const tag = tags[word];
  if (tag === undefined || !/^[r-][w-][x-]$/.test(perm)) return undefined;
  const e_perm = Array.from(perm).reduce((bits, letter) => bits * 2 + (letter === "-" ? 0 : 1), 0);
  if (name === "") return { e_tag: tag.own, e_perm, e_id: ACL_UNDEFINED_ID };
  if (tag.named === undefined || !/^\d{1,10}$/.test(id) || Number(id) > MAX_ID) return undefined;
  return { e_tag: tag.named, e_perm, e_id: Number(id) };
}

function encode(entries: readonly AclEntry[]): Uint8Array {
  const value = new Uint8Array(
    posix_acl_xattr_header.sizeBytes + entries.length * posix_acl_xattr_entry.sizeBytes,
  );
  posix_acl_xattr_header.write(value, { a_version: POSIX_ACL_XATTR_VERSION });
  for (const [i, entry] of entries.entries()) {
    const at = posix_acl_xattr_header.sizeBytes + i * posix_acl_xattr_entry.sizeBytes;
    posix_acl_xattr_entry.write(value, entry, at);
  }
  return value;
}
