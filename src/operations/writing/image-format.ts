import type { ContentPlan } from "../../config/index.ts";
import { createErofs } from "../../formats/erofs/index.ts";
import { createExt4 } from "../../formats/ext4/index.ts";
import { compressedErofs } from "./compressed-erofs.ts";
import type { ImageWriter, ImageWriterOptions } from "./image-writer.ts";
import { initramfs } from "./initramfs-image.ts";
import { squashfs } from "./squashfs-image.ts";

type Create = (plan: ContentPlan, options: ImageWriterOptions) => ImageWriter;

/** Begins an image of the plan's format. */
export const createImage: Create = (plan, options) => creators[plan.format](plan, options);

const creators: Readonly<Record<ContentPlan["format"], Create>> = {
  ext4,
  erofs,
  squashfs,
  initramfs,
};

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
    [Symbol.dispose]: nothing,
  };
}

function erofs(plan: ContentPlan, options: ImageWriterOptions): ImageWriter {
  if (plan.compression !== undefined) return compressedErofs(plan, options);
  const { storage, uuid, warn } = options;
  const writer = createErofs(storage, { label: plan.volumeLabel, uuid, warn });
  return { ...writer, [Symbol.dispose]: nothing };
}

function nothing(): void {}
