/** What every decompressor is told. */
export interface DecompressOptions {
  /** What the data is, for messages: `rootfs.tar.gz`; already safe to print. */
  readonly name: string;
  readonly signal?: AbortSignal | undefined;
}

/** What reading a blob is told. */
export interface InflateOptions extends DecompressOptions {
  /** Told the SHA-256 of the stored bytes, in hex, after the last of them. */
  readonly onDigest?: ((sha256: string) => void) | undefined;
  /** Told the SHA-256 of the plain bytes, in hex, after the last of them. */
  readonly onPlainDigest?: ((sha256: string) => void) | undefined;
}
