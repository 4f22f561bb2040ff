import { raw, struct } from "../../bytes/index.ts";

/*
 * ar: a magic line, then members, each beginning at an even byte.
 *
 *   !<arch>\n | header (60) | data | \n if the data's length is odd | header | …
 *
 * All numbers are text, padded with spaces. Sources: ar(5), deb(5), bfd/archive.c.
 */

/** The first line of an archive. */
export const ARMAG = "!<arch>\n";

/** Header of a member (struct ar_hdr). */
export const arHeader = struct("ar_hdr", 60, [
  [0, "ar_name", raw(16)],
  [16, "ar_date", raw(12)], // decimal
  [28, "ar_uid", raw(6)], // decimal
  [34, "ar_gid", raw(6)], // decimal
  [40, "ar_mode", raw(8)], // octal
  [48, "ar_size", raw(10)], // decimal, in bytes
  [58, "ar_fmag", raw(2)],
]);

/** `ar_fmag` of every header. */
export const ARFMAG = "`\n";

/** Members begin at multiples of this. */
export const ALIGNMENT = 2;

/** GNU: the member that holds names over 15 bytes, each ended by `/\n`; `/N` is the one at byte N of it. */
export const GNU_NAMES = "//";

/** BSD: `#1/N` says that the data's first N bytes are the name. */
export const BSD_NAME = "#1/";

/** Symbol tables of linkers; they are no files. */
export const SYMBOL_TABLES: readonly string[] = ["/", "/SYM64/", "__.SYMDEF", "__.SYMDEF SORTED"];
