import { isZero } from "../bytes/index.ts";
import { kindOf } from "../compression/index.ts";
import { FileStorage } from "../host/index.ts";

/** What a file is, by its magic number. */
export type FileKind =
  | "compressed"
  | "cpio"
  | "deb"
  | "elf"
  | "erofs"
  | "ext4"
  | "packed"
  | "qcow2"
  | "squashfs"
  | "tar"
  | "unknown";

/** Where each magic number stands, as latin1 text; the first that fits decides. */
const magics: readonly (readonly [FileKind, number, string])[] = [
  ["deb", 0, "!<arch>\ndebian-binary"],
  ["elf", 0, "\x7fELF"],
  ["qcow2", 0, "QFI\xfb"],
  ["squashfs", 0, "hsqs"],
  ["cpio", 0, "07070"], // newc, crc and odc
  ["tar", 257, "ustar"],
  ["erofs", 1024, "\xe2\xe1\xf5\xe0"],
  ["ext4", 1024 + 0x38, "\x53\xef"], // s_magic of the superblock
];

/** Bytes from the beginning that hold all the magic numbers. */
const HEAD_BYTES = 1024 + 0x3a;
export const TAR_BLOCK = 512;

/** Looks at the beginning of a regular file. */
export function lookAtFile(path: string): FileKind {
  const head = new Uint8Array(HEAD_BYTES);
  using file = new FileStorage(path, "read");
  const bytes = head.subarray(0, file.readAt(head, 0));
  const latin1 = Buffer.from(bytes).toString("latin1");
  const found = magics.find(([, at, magic]) => latin1.startsWith(magic, at))?.[0];
  if (found !== undefined && found !== "elf") return found;
  if (kindOf(bytes) !== "none") return "compressed";
  // Kernels begin as programs do, or as nothing else.
  if (isPacked(file)) return "packed";
  if (found !== undefined) return found;
  return isOldTar(bytes) ? "tar" : "unknown";
}

/** What `wick pack` writes last (kernel/pack/record.ts). */
const PACKED_END = Buffer.from("WICKPACK");

function isPacked(file: FileStorage): boolean {
  const end = Buffer.alloc(PACKED_END.length);
  const at = file.sizeBytes - end.length;
  return at >= 0 && file.readAt(end, at) === end.length && end.equals(PACKED_END);
}

/** Whether a tar archive may begin so: with a header, or with the zeros of one that is empty. */
export function isTarHead(head: Uint8Array): boolean {
  const isUstar = Buffer.from(head.subarray(257, 262)).toString("latin1") === "ustar";
  return isUstar || isOldTar(head) || (head.length === TAR_BLOCK && isZero(head));
}

/** A tar of before 1988 has no magic number, only the sum of its first header (tar(5)). */
function isOldTar(bytes: Uint8Array): boolean {
  if (bytes.length < TAR_BLOCK || bytes[0] === 0) return false;
  const field = Buffer.from(bytes.subarray(148, 156)).toString("latin1");
  if (!/^[ 0-7]{2,}[\0 ]*$/.test(field)) return false;
  const sum = bytes
    .subarray(0, TAR_BLOCK)
    .reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  return Number.parseInt(field.trim(), 8) === sum;
}
