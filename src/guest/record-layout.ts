import { le16, le32, le64, raw, struct, u8 } from "../bytes/index.ts";

/** First bytes of every record file. */
export const recordsMagic = "WICK-REC";

/** Version of the record files' form; another one is refused. */
export const recordsVersion = 1;

/** Bounds that both sides check. */
export const recordsLimits = {
  /** Of one file, header included. */
  fileBytes: 1 << 20,
  /** Of one record: the kernel's MAX_ARG_STRLEN with its NUL. */
  recordBytes: (1 << 17) - 1,
  records: 1 << 14,
} as const;

/** Header of a record file. */
export const fileHeader = struct("records_header", 16, [
  [0x0, "magic", raw(8)], // "WICK-REC"
  [0x8, "version", le32], // 1
  [0xc, "length", le32], // bytes that follow, so that a cut file is seen
]);

/** Header of one record; `length` bytes follow, nothing is padded. */
export const recordHeader = struct("record", 6, [
  [0x0, "tag", le16],
  [0x2, "length", le32],
]);

/** ADDRESS; the interface's name follows. */
export const addressHead = struct("record_address", 5, [
  [0x0, "ipv4", raw(4)], // network order
  [0x4, "prefix", u8], // 0-32
]);

/** MOUNT; source, target, fstype, data follow, separated by NUL. */
export const mountHead = struct("record_mount", 4, [[0x0, "flags", le32]]);

/** LIMIT. */
export const limitBody = struct("record_limit", 20, [
  [0x00, "resource", le32], // RLIMIT_*
  [0x04, "soft", le64], // 2^64-1 = unlimited
  [0x0c, "hard", le64],
]);

/** ROOT; the file-system type follows. */
export const rootHead = struct("record_root", 17, [
  [0x00, "uuid", raw(16)],
  [0x10, "mode", u8], // 0 overlay, 1 rw, 2 ro
]);
