import { join } from "node:path";
import { allocatedBytes, listDirectory, removePath } from "../host/index.ts";
import type { StoreLayout } from "./layout.ts";

/** What of the leftovers goes. */
export interface LeftoverOptions {
  /** Only what was not touched since then: seconds since 1970. */
  readonly before: number;
  /** Whether what an image's directory remembers still holds. */
  readonly isOfUse: (key: string) => boolean;
}

/** Removes parts of downloads, damaged files, and records of outputs that are gone. */
export function removeLeftovers(
  { tmp, damaged, images }: StoreLayout,
  { before, isOfUse }: LeftoverOptions,
): number {
  let bytes = 0;
  const remove = (directory: string, isMeant: (name: string) => boolean): void => {
    for (const { name, changedAt } of listDirectory(directory)) {
      if (!isMeant(name) || changedAt >= before) continue;
      bytes += allocatedBytes(join(directory, name));
      removePath(join(directory, name));
    }
  };
  remove(tmp, (name) => name.endsWith(".part"));
  remove(damaged, () => true);
  remove(images, (key) => !hasImage(join(images, key)) && !isOfUse(key));
  return bytes;
}

function hasImage(directory: string): boolean {
  return listDirectory(directory).some(({ name }) => name === "image.json");
}
