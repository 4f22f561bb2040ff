/** What every decompressor is told. */
export interface DecompressOptions {
  /** What the data is, for messages: `rootfs.tar.gz`; already safe to print. */
  readonly name: string;
  readonly signal?: AbortSignal | undefined;
}
