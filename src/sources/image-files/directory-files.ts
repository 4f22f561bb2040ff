import { join } from "node:path";
import { sanitise } from "../../bytes/index.ts";
import { regularFileSize } from "../../host/index.ts";
import type { ImageFiles } from "./image-files.ts";

/** The files of a layout that is a directory: regular ones alone, links are not followed (A10). */
export function directoryFiles(directory: string): ImageFiles {
  return {
    name: sanitise(directory),
    find(path) {
      // Names are digests and fixed words: nothing in them leads out of the directory.
      const file = join(directory, path);
      const sizeBytes = regularFileSize(file);
      return sizeBytes === undefined ? undefined : { path: file, offset: 0, sizeBytes };
    },
  };
}
