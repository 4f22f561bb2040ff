import { display, type ReadableStorage } from "../../bytes/index.ts";
import type { CpioImage } from "../../formats/cpio/index.ts";
import { openErofs, type ErofsImage } from "../../formats/erofs/index.ts";
import { openExt4, type Ext4Image } from "../../formats/ext4/index.ts";

/** An image that wick reads by itself. */
export type FileSystem = Ext4Image | ErofsImage;

/** Whatever wick looks into. */
export type Image = FileSystem | CpioImage;

/** Byte of the superblock's first four in EROFS, and what they are. */
const EROFS = { at: 1024, magic: 0xe0f5e1e2 } as const;

/** Opens an image by its magic number; IMAGE_INVALID when it is none of those. */
export function openFileSystem(storage: ReadableStorage, what?: string): FileSystem {
  const bytes = new Uint8Array(4);
  storage.readAt(bytes, EROFS.at);
  const isErofs = new DataView(bytes.buffer).getUint32(0, true) === EROFS.magic;
  return isErofs ? openErofs(storage, what) : openExt4(storage, what);
}

/** What every format's superblock says. */
export interface Volume {
  /** 8-4-4-4-12 hex digits. */
  readonly uuid: string;
  readonly label: string;
  /** In its tools' words. */
  readonly features: readonly string[];
  readonly freeBytes: number;
  readonly state: string;
}

/** An initramfs has no superblock. */
export function volumeOf(image: Image): Volume {
  if (!("facts" in image)) {
    return { uuid: "", label: "", features: [], freeBytes: 0, state: "clean" };
  }
  const { facts } = image;
  const { uuid, features } = facts;
  const label = display(facts.label);
  if (!("freeBlocks" in facts)) return { uuid, label, features, freeBytes: 0, state: "clean" };
  const freeBytes = facts.freeBlocks * facts.blockSize;
  return { uuid, label, features, freeBytes, state: facts.state };
}
