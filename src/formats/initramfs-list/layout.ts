import type { Kind } from "../../tree/index.ts";

/*
 * A list, as usr/gen_init_cpio.c of the kernel reads it: an entry a line, words between spaces
 * and tabs, no quotes and no escapes.
 *
 *   # a comment begins in the first column
 *   file  <name> <location> <mode> <uid> <gid> [<hard links>]
 *   dir   <name> <mode> <uid> <gid>
 *   nod   <name> <mode> <uid> <gid> <dev_type> <maj> <min>
 *   slink <name> <target> <mode> <uid> <gid>
 *   pipe  <name> <mode> <uid> <gid>
 *   sock  <name> <mode> <uid> <gid>
 */

/** Words of a line, in gen_init_cpio's own names. */
export type Field =
  "name" | "location" | "target" | "mode" | "uid" | "gid" | "dev_type" | "maj" | "min";

/** What stands behind each word that begins a line; `nod` gets its kind from its `dev_type`. */
export const lineTypes: Readonly<Record<string, readonly Field[]>> = {
  file: ["name", "location", "mode", "uid", "gid"],
  dir: ["name", "mode", "uid", "gid"],
  nod: ["name", "mode", "uid", "gid", "dev_type", "maj", "min"],
  slink: ["name", "target", "mode", "uid", "gid"],
  pipe: ["name", "mode", "uid", "gid"],
  sock: ["name", "mode", "uid", "gid"],
};

/** The kinds of node that the words stand for. */
export const kindOfType: Readonly<Record<string, Kind>> = {
  file: "file",
  dir: "directory",
  slink: "symlink",
  pipe: "fifo",
  sock: "socket",
};

/** `dev_type`: gen_init_cpio takes every other character for a `c`. */
export const deviceKinds: Readonly<Record<string, Kind>> = { b: "block", c: "char" };

/** PATH_MAX of Linux: bytes of a path with its NUL. */
export const PATH_MAX = 4096;
/** NAME_MAX of Linux: bytes of one component. */
export const NAME_MAX = 255;
/** LINE_SIZE less the NUL that fgets adds: bytes of a line with its newline. */
export const LINE_MAX = 2 * PATH_MAX + 50 - 1;
/** Permission, setuid, setgid and sticky bits. */
export const MODE_MAX = 0o7777;
export const ID_MAX = 2 ** 32 - 1;
/** MINORBITS of include/linux/kdev_t.h: what a device number holds. */
export const MAJOR_MAX = 2 ** 12 - 1;
export const MINOR_MAX = 2 ** 20 - 1;
/** The name that ends a cpio archive. */
export const TRAILER = "TRAILER!!!";
/** What sscanf's %s ends a word at (isspace in the C locale), for a class of characters. */
export const SPACES = " \\t\\n\\v\\f\\r";
