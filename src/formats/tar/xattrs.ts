import type { Xattr } from "../../tree/index.ts";
import { aclsOf } from "./acl.ts";
import { latin1 } from "./pax.ts";
import type { Where } from "./where.ts";

const SCHILY = "SCHILY.xattr.";
const LIBARCHIVE = "LIBARCHIVE.xattr.";
const SELINUX = "RHT.security.selinux";

/**
 * The extended attributes among pax records, sorted by name. `SCHILY.xattr.NAME` holds the raw
 * value, `LIBARCHIVE.xattr.NAME` a base64 one under a percent-encoded name; where both give
 * one attribute, SCHILY's is taken. ACLs in text form become the attributes that Linux keeps them in.
 */
export function xattrsOf(records: ReadonlyMap<string, Uint8Array>, where: Where): Xattr[] {
  const found = new Map<string, Uint8Array>();
  for (const [key, value] of records) {
    if (key.startsWith(LIBARCHIVE)) addLibarchive(key, value, found, where);
    else if (key === SELINUX) found.set("security.selinux", withNul(value));
  }
  for (const [key, value] of records) {
    if (key.startsWith(SCHILY)) found.set(decodeSchily(key.slice(SCHILY.length)), value);
  }
  for (const { name, value } of aclsOf(records).xattrs) {
    if (!found.has(latin1(name))) found.set(latin1(name), value);
  }
  const names = [...found.keys()].sort();
  return names.map((name) => ({ name: bytesOf(name), value: found.get(name)!.slice() }));
}

function addLibarchive(
  key: string,
  value: Uint8Array,
  found: Map<string, Uint8Array>,
  where: Where,
): void {
  const name = key
    .slice(LIBARCHIVE.length)
    .replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  found.set(name, decodeBase64(latin1(value), where));
}

/** GNU tar writes `=` and `%` of a name as %3D and %25, and nothing else. */
function decodeSchily(name: string): string {
  return name.replace(/%3D|%25/g, (escape) => (escape === "%3D" ? "=" : "%"));
}

/** Base64 with or without padding, as libarchive writes it. */
function decodeBase64(text: string, where: Where): Uint8Array {
  const digits = text.replace(/=*$/, "");
  if (!/^[A-Za-z0-9+/]*$/.test(digits) || digits.length % 4 === 1) {
    throw where.invalid("one of its LIBARCHIVE.xattr records is not base64");
  }
  return bytesOf(atob(digits));
}

/** The kernel's value of this attribute ends in a NUL; the record holds it without. */
function withNul(value: Uint8Array): Uint8Array {
  const result = new Uint8Array(value.length + 1);
  result.set(value);
  return result;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
