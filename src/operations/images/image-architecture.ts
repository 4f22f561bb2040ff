import { utf8 } from "../../bytes/index.ts";
import { isWickError } from "../../errors/index.ts";
import type { ImageReader } from "../../formats/ext4/index.ts";
import { FileStorage } from "../../host/index.ts";
import { followLinks } from "../common/follow-links.ts";
import {
  type HeadOf,
  PROGRAM_HEAD_BYTES,
  programArchitecture,
} from "../common/program-architecture.ts";
import { openFileSystem } from "./file-system.ts";
import type { ImageFacts } from "./image-facts.ts";
import { squashfsHead, squashfsLinks } from "./squashfs-files.ts";

/** Where the kernel looks for init on a drive, in this order (init/main.c, kernel_init). */
const INIT_PATHS = ["/sbin/init", "/etc/init", "/bin/init", "/bin/sh"] as const;

/**
 * The processor that the init of a finished image is for, in the words of `uname -m`; of a packed
 * file its kernel's. Undefined where nothing says so.
 */
export async function imageArchitecture(
  path: string,
  { format, initramfs, packed }: ImageFacts,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  if (packed !== undefined) return packed.arch;
  if (format === "initramfs") return initramfs?.architecture;
  if (format === "squashfs") return await firstOf(await headsOfSquashfs(path, signal));
  using storage = new FileStorage(path, "read");
  const image = openFileSystem(storage);
  return await firstOf((inside) => headOf(image, inside));
}

async function firstOf(head: HeadOf): Promise<string | undefined> {
  for (const path of INIT_PATHS) {
    const found = await programArchitecture(path, head);
    if (found !== undefined) return found;
  }
  return undefined;
}

function headOf(image: ImageReader, path: string): Uint8Array | undefined {
  try {
    const node = image.lookup(utf8(path));
    if (node.kind !== "file") return undefined;
    const head = new Uint8Array(PROGRAM_HEAD_BYTES);
    return head.subarray(0, image.read(node, head, 0));
  } catch (error) {
    if (isWickError(error, "PATH_NOT_FOUND", "PATH_CONFLICT", "PATH_LOOP")) return undefined;
    throw error;
  }
}

/** unsquashfs shows files by their real names alone. */
async function headsOfSquashfs(image: string, signal: AbortSignal | undefined): Promise<HeadOf> {
  const links = await squashfsLinks(image, signal);
  return async (path) => {
    const real = followLinks(path, (at) => links.get(at));
    return real === undefined
      ? undefined
      : squashfsHead(image, `/${real}`, { sizeBytes: PROGRAM_HEAD_BYTES, signal });
  };
}
