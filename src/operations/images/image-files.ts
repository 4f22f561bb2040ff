import {
  CONFIG_MAX_BYTES,
  CONFIG_PATH,
  parseConfig,
  type AppConfig,
} from "../../application/index.ts";
import { display, utf8 } from "../../bytes/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import type { ImageReader } from "../../formats/ext4/index.ts";

/** The image's config; undefined when there is none. A broken one is an error. */
export function configOf(image: ImageReader): AppConfig | undefined {
  const bytes = smallFile(image, CONFIG_PATH, CONFIG_MAX_BYTES);
  return bytes === undefined ? undefined : parseConfig(bytes);
}

/** A file's bytes; undefined when there is none, an error when it is too long. */
export function smallFile(
  image: ImageReader,
  path: string,
  limitBytes: number,
): Uint8Array | undefined {
  try {
    const node = image.lookup(utf8(path));
    if (node.kind !== "file") return undefined;
    const { size } = image.stat(node);
    if (size > limitBytes) {
      throw new WickError(
        "IMAGE_LIMIT",
        `Cannot read ${display(utf8(path))} of the image: ${size} bytes, wanted at most ${limitBytes}`,
      );
    }
    const bytes = new Uint8Array(size);
    image.read(node, bytes, 0);
    return bytes;
  } catch (error) {
    if (isWickError(error, "PATH_NOT_FOUND", "PATH_CONFLICT")) return undefined;
    throw error;
  }
}
