/** For tests: one node of a file tree as a line to compare, whoever says what it is. */

type Whole = number | bigint;

/** What can be said of a node; byte strings as latin-1, so that every byte is one character. */
export interface ManifestNode {
  /** From the root, which is `/`. */
  readonly path: string;
  readonly kind: string;
  /** Permission bits and those above them. */
  readonly mode: number;
  readonly uid: Whole;
  readonly gid: Whole;
  readonly mtime: { readonly seconds: Whole; readonly nanoseconds: Whole };
  /** A file's size and digest. */
  readonly contents: string;
  readonly target: string;
  readonly rdev: { readonly major: Whole; readonly minor: Whole } | undefined;
  /** The first path of the same inode. */
  readonly first: string;
  /** `name=hex` each. */
  readonly xattrs: readonly string[];
}

/** Fields before the extended attributes. */
export const FIXED_FIELDS = 9;

/** Path, kind, mode, owner, mtime (not of links), contents, target, device, first name, xattrs. */
export function manifestLine(node: ManifestNode): string {
  const { path, kind, mode, uid, gid, mtime, contents, target, rdev, first, xattrs } = node;
  return [
    path,
    kind,
    mode.toString(8),
    `${uid}:${gid}`,
    kind === "symlink" ? "" : `${mtime.seconds}.${String(mtime.nanoseconds).padStart(9, "0")}`,
    contents,
    target,
    rdev === undefined ? "" : `${rdev.major}:${rdev.minor}`,
    kind === "directory" || first === path ? "" : `= ${first}`,
    ...xattrs,
  ].join("|");
}

/** Bytes as text, a character each. */
export const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** An extended attribute as `name=hex`. */
export const xattrText = ({ name, value }: { name: Uint8Array; value: Uint8Array }): string =>
  `${latin1(name)}=${Buffer.from(value).toString("hex")}`;
