import { raw, struct, u8 } from "../../bytes/index.ts";

/** Everything in a tar file is a multiple of this many bytes. */
export const BLOCK = 512;

/**
 * ustar header (POSIX.1-1988, tar.h): numbers are octal text ended by NUL or space, or
 * big-endian binary when the top bit of the first byte is set (GNU). A v7 header is the same
 * up to `linkname`, with zeros after it.
 */
export const posix_header = struct("posix_header", BLOCK, [
  [0x000, "name", raw(100)],
  [0x064, "mode", raw(8)],
  [0x06c, "uid", raw(8)],
  [0x074, "gid", raw(8)],
  [0x07c, "size", raw(12)],
  [0x088, "mtime", raw(12)],
  [0x094, "chksum", raw(8)], // sum of all bytes, with this field taken as spaces
  [0x09c, "typeflag", u8],
  [0x09d, "linkname", raw(100)],
  [0x101, "magic", raw(6)], // "ustar\0", or "ustar " in GNU's form
  [0x107, "version", raw(2)], // "00", or " \0" in GNU's form
  [0x109, "uname", raw(32)],
  [0x129, "gname", raw(32)],
  [0x149, "devmajor", raw(8)],
  [0x151, "devminor", raw(8)],
  [0x159, "prefix", raw(155)], // path = prefix "/" name
  [0x1f4, "pad", raw(12)],
]);

/** GNU's header (tar.h of GNU tar, `oldgnu_header`): what it has in place of `prefix`. */
export const oldgnu_header = struct("oldgnu_header", BLOCK, [
  [0x000, "as_posix", raw(345)],
  [0x159, "atime", raw(12)],
  [0x165, "ctime", raw(12)],
  [0x171, "offset", raw(12)],
  [0x17d, "longnames", raw(4)],
  [0x181, "pad2", raw(1)],
  [0x182, "sp", raw(4 * 24)], // four `sparse`
  [0x1e2, "isextended", u8], // not 0: a sparse_header follows
  [0x1e3, "realsize", raw(12)],
  [0x1ef, "pad", raw(17)],
]);

/** GNU tar's `sparse_header`: more of a type S file's map. */
export const sparse_header = struct("sparse_header", BLOCK, [
  [0x000, "sp", raw(21 * 24)],
  [0x1f8, "isextended", u8],
  [0x1f9, "pad", raw(7)],
]);

/** GNU tar's `sparse`: one stretch of data in a type S file. */
export const sparse = struct("sparse", 24, [
  [0x00, "offset", raw(12)],
  [0x0c, "numbytes", raw(12)],
]);

const code = (letter: string): number => letter.charCodeAt(0);

/** Values of `typeflag`, by their names in tar.h. */
export const typeflags = {
  AREGTYPE: 0,
  REGTYPE: code("0"),
  LNKTYPE: code("1"),
  SYMTYPE: code("2"),
  CHRTYPE: code("3"),
  BLKTYPE: code("4"),
  DIRTYPE: code("5"),
  FIFOTYPE: code("6"),
  CONTTYPE: code("7"),
  XHDTYPE: code("x"),
  XGLTYPE: code("g"),
  SOLARIS_XHDTYPE: code("X"),
  GNUTYPE_DUMPDIR: code("D"),
  GNUTYPE_LONGLINK: code("K"),
  GNUTYPE_LONGNAME: code("L"),
  GNUTYPE_MULTIVOL: code("M"),
  GNUTYPE_SPARSE: code("S"),
} as const;
