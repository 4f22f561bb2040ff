import type { Xattr } from "../tree/index.ts";

/** Of several attributes with one name the last counts. */
export function withoutDuplicates(xattrs: readonly Xattr[]): readonly Xattr[] {
  const byName = new Map(xattrs.map((xattr) => [String.fromCharCode(...xattr.name), xattr]));
  return [...byName.values()];
}
