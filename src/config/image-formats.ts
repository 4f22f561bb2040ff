/**
 * Formats of what is built: root file systems, what the kernel unpacks into memory, and that
 * packed into a kernel.
 */
export const imageFormats = ["ext4", "erofs", "squashfs", "initramfs", "kernel"] as const;

export type ImageFormat = (typeof imageFormats)[number];

/** What the files themselves are written as: what goes into a kernel is an initramfs. */
export type RootFormat = Exclude<ImageFormat, "kernel">;

/** What `build` makes beside images: the kernel's list of an initramfs's files, with the files. */
export const LIST_FORMAT = "initramfs-list";

/** Formats of `build`. */
export const buildFormats = [...imageFormats, LIST_FORMAT] as const;

export type BuildFormat = (typeof buildFormats)[number];

/** How a format's own tool compresses, in that tool's words. */
export interface Compression {
  readonly name: string;
  /** The tool's own default when absent. */
  readonly level: number | undefined;
}

/** An initramfs's suffixes, and what they say of its compression. */
export const initramfsSuffixes = { gz: "gzip", zst: "zstd", xz: "xz", lz4: "lz4" } as const;

/**
 * What mkfs.erofs and mksquashfs can be told, and what kernels unpack; ext4 has none.
 * `none` says that an initramfs is not compressed whatever its name ends in.
 */
export const compressions: Readonly<Record<ImageFormat, readonly string[]>> = {
  ext4: [],
  erofs: ["lz4", "lz4hc", "lzma", "deflate", "zstd"],
  squashfs: ["gzip", "lzo", "lz4", "xz", "zstd"],
  initramfs: ["none", "gzip", "zstd", "xz", "lz4"],
  kernel: ["none", "gzip", "zstd", "xz", "lz4"],
};
