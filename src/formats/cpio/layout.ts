import { raw, struct, type Codec } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";

/*
 * newc: a row of entries, everything at multiples of 4 bytes.
 *
 *   header (110) | name, NUL | padding to 4 | data (c_filesize) | padding to 4
 *   …
 *   header       | TRAILER!!!, NUL | padding
 *
 * Source: Documentation/driver-api/early-userspace/buffer-format.rst, usr/gen_init_cpio.c.
 */

const HEX_DIGITS = 8;
const LIMIT_32 = 2 ** 32;

/** An unsigned 32-bit number as eight hexadecimal digits; either case is read, upper is written. */
const hex32: Codec<number> = {
  sizeBytes: HEX_DIGITS,
  read(view, offset) {
    let value = 0;
    for (let i = 0; i < HEX_DIGITS; i++) value = value * 16 + digit(view.getUint8(offset + i));
    return value;
  },
  write(view, offset, value, field) {
    if (!Number.isInteger(value) || value < 0 || value >= LIMIT_32) {
      throw new WickError("VALUE_OUT_OF_RANGE", `Cannot store ${field}: ${value} needs 33 bits`);
    }
    const text = value.toString(16).toUpperCase().padStart(HEX_DIGITS, "0");
    for (let i = 0; i < HEX_DIGITS; i++) view.setUint8(offset + i, text.charCodeAt(i));
  },
};

function digit(byte: number): number {
  const value = Number.parseInt(String.fromCharCode(byte), 16);
  if (!Number.isNaN(value)) return value;
  throw new WickError(
    "ARCHIVE_INVALID",
    `Cannot read a cpio header: byte 0x${byte.toString(16)} where a hexadecimal digit belongs`,
  );
}

/** Header of one entry. */
export const newcHeader = struct("newc_header", 110, [
  [0, "c_magic", raw(6)],
  [6, "c_ino", hex32],
  [14, "c_mode", hex32],
  [22, "c_uid", hex32],
  [30, "c_gid", hex32],
  [38, "c_nlink", hex32],
  [46, "c_mtime", hex32],
  [54, "c_filesize", hex32],
  [62, "c_maj", hex32], // of the file system that held the file
  [70, "c_min", hex32],
  [78, "c_rmaj", hex32], // of the device that a node stands for
  [86, "c_rmin", hex32],
  [94, "c_namesize", hex32], // its NUL counted
  [102, "c_chksum", hex32], // sum of the data's bytes modulo 2^32 with MAGIC_CRC, else 0
]);

/** `c_magic` without and with a checksum. */
export const MAGIC = "070701";
export const MAGIC_CRC = "070702";

/** Headers, names and data begin at multiples of this. */
export const ALIGNMENT = 4;

/** The name that ends an archive. */
export const TRAILER = "TRAILER!!!";

/** PATH_MAX of Linux: bytes of a name or a symlink's target with its NUL; the kernel skips longer ones. */
export const PATH_MAX = 4096;

/** `c_filesize` is 32 bits wide. */
export const FILE_SIZE_LIMIT = LIMIT_32;
