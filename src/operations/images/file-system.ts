import { display, type ReadableStorage } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import type { CpioImage } from "../../formats/cpio/index.ts";
import { openErofs, type ErofsImage } from "../../formats/erofs/index.ts";
import { openExt4, type Ext4Image } from "../../formats/ext4/index.ts";
import { identifyKernel } from "../../kernel/index.ts";

/** An image that wick reads by itself. */
export type FileSystem = Ext4Image | ErofsImage;

/** Whatever wick looks into. */
export type Image = FileSystem | CpioImage;

/** Where the superblocks' magic numbers lie, and what they are. */
const EROFS = { at: 1024, magic: 0xe0f5e1e2 } as const;
const EXT4 = { at: 1024 + 0x38, magic: 0xef53 } as const;

/** Opens an image by its magic number; IMAGE_INVALID when it is none of those. */
export function openFileSystem(storage: ReadableStorage, what?: string): FileSystem {
  const bytes = new Uint8Array(4);
  const number = (at: number): DataView => {
    storage.readAt(bytes.fill(0), at);
    return new DataView(bytes.buffer);
  };
  if (number(EROFS.at).getUint32(0, true) === EROFS.magic) return openErofs(storage, what);
  if (number(EXT4.at).getUint16(0, true) === EXT4.magic) return openExt4(storage, what);
  throw unknown(storage, what ?? "the image");
}

/** A packed file that has lost its end is a kernel to whoever looks at its beginning. */
function unknown(storage: ReadableStorage, what: string): WickError {
  const format = identifyKernel(storage)?.format;
  if (format === undefined) {
    return new WickError(
      "IMAGE_INVALID",
      `Cannot read ${what}: no image that wick knows, wanted ext4, EROFS or an initramfs`,
      { hint: "wick build makes one of an archive, a directory or another source" },
    );
  }
  const is = format === "ELF" ? "a kernel or another program (ELF)" : `a kernel (${format})`;
  return new WickError("IMAGE_INVALID", `Cannot read ${what}: it is ${is}, with nothing packed`, {
    hint: "wick kernel inspect shows what a kernel can do; a packed file that is cut must be packed anew",
  });
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
