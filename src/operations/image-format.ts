import type { ContentPlan } from "../config/index.ts";
import { WickError } from "../errors/index.ts";
import { createExt4 } from "../formats/ext4/index.ts";
import { createErofs } from "../formats/erofs/index.ts";
import type { FileStorage } from "../host/index.ts";
import type { Sink, Tree } from "../tree/index.ts";

/** What was written, in every format. */
export interface ImageSummary {
  readonly sizeBytes: number;
  /** Inodes in use. */
  readonly inodes: number;
  /** Absent where the format has none. */
  readonly uuid?: Uint8Array;
}

/** An image under way: files' bytes go through the sink, the tree is written down at the end. */
export interface ImageWriter {
  readonly sink: Sink;
  /** Once only. */
  finish(tree: Tree): ImageSummary | Promise<ImageSummary>;
}

export interface ImageWriterOptions {
  /** Empty. */
  readonly storage: FileStorage;
  /** Asked once, after all of the contents. */
  readonly uuid: () => Uint8Array;
  readonly warn: (message: string) => void;
  readonly signal: AbortSignal | undefined;
}

type Create = (plan: ContentPlan, options: ImageWriterOptions) => ImageWriter;

/** Begins an image of the plan's format. */
export const createImage: Create = (plan, options) => creators[plan.format](plan, options);

const creators: Readonly<Record<ContentPlan["format"], Create>> = { ext4, erofs, squashfs };

function ext4(plan: ContentPlan, { storage, uuid, warn }: ImageWriterOptions): ImageWriter {
  const size = plan.sizeBytes === undefined ? {} : { sizeBytes: plan.sizeBytes };
  const label = plan.volumeLabel;
  const { journal } = plan;
  const writer = createExt4(storage, { ...size, label, journal, uuid, warn });
  return {
    sink: writer.sink,
    finish(tree) {
      const written = writer.finish(tree);
      return { ...written, inodes: written.inodes - written.freeInodes };
    },
  };
}

function erofs(plan: ContentPlan, { storage, uuid, warn }: ImageWriterOptions): ImageWriter {
  return createErofs(storage, { label: plan.volumeLabel, uuid, warn });
}

function squashfs(): ImageWriter {
  throw new WickError("UNSUPPORTED", "Cannot write squashfs yet");
}
