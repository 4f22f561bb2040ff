import type { FileStorage } from "../../host/index.ts";
import type { SourceContents } from "../../sources/index.ts";
import type { Sink, Tree } from "../../tree/index.ts";

/** What was written, in every format. */
export interface ImageSummary {
  readonly sizeBytes: number;
  /** Inodes in use. */
  readonly inodes: number;
  /** Absent where the format has none. */
  readonly uuid?: Uint8Array;
}

/**
 * An image under way: files' bytes go through the sink, the tree is written down at the end.
 * Disposing it lets go of what it needed meanwhile, not of the image.
 */
export interface ImageWriter extends Disposable {
  readonly sink: Sink;
  /** Once only. `order` is for an archive, which has one (as in `SourceContents`). */
  finish(tree: Tree, order?: SourceContents["order"]): ImageSummary | Promise<ImageSummary>;
}

export interface ImageWriterOptions {
  /** Empty. */
  readonly storage: FileStorage;
  /** Asked once, after all of the contents. */
  readonly uuid: () => Uint8Array;
  readonly warn: (message: string) => void;
  readonly signal: AbortSignal | undefined;
}
