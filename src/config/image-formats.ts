/** Formats of root file systems. */
export const imageFormats = ["ext4", "erofs", "squashfs"] as const;

export type ImageFormat = (typeof imageFormats)[number];

/** How a format's own tool compresses, in that tool's words. */
export interface Compression {
  readonly name: string;
  /** The tool's own default when absent. */
  readonly level: number | undefined;
}

/** What mkfs.erofs and mksquashfs can be told; ext4 has none. */
export const compressions: Readonly<Record<ImageFormat, readonly string[]>> = {
  ext4: [],
  erofs: ["lz4", "lz4hc", "lzma", "deflate", "zstd"],
  squashfs: ["gzip", "lzo", "lz4", "xz", "zstd"],
};
