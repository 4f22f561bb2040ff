import { sanitise } from "../bytes/index.ts";
import { decompress } from "../compression/index.ts";
import { WickError } from "../errors/index.ts";
import { readChunks } from "../host/index.ts";

/** What every archive of cpio's begins with that the kernel, or nobody any more, reads. */
const CPIO_MAGIC = Buffer.from("07070");

/**
 * Whether a compressed file at `path` is an initramfs, whatever it is called: its first plain
 * bytes decide. Errors: COMPRESSION_INVALID, TOOL_MISSING, INTERRUPTED.
 */
export async function holdsInitramfs(path: string, signal?: AbortSignal): Promise<boolean> {
  let head = Buffer.alloc(0);
  const chunks = readChunks(path, signal);
  for await (const chunk of decompress(chunks, { name: sanitise(path), signal })) {
    head = Buffer.concat([head, chunk.subarray(0, CPIO_MAGIC.length)]);
    if (head.length >= CPIO_MAGIC.length) break;
  }
  return head.subarray(0, CPIO_MAGIC.length).equals(CPIO_MAGIC);
}

const finishedWords = {
  bundle: ["a bundle", "wick run boots it, dir: takes it as a directory"],
  image: ["a finished image", "it can be run and inspected as it is"],
} as const;

/** What is finished, and something is to be built from it. */
export function finishedError(kind: keyof typeof finishedWords, reference: string): WickError {
  const [what, hint] = finishedWords[kind];
  return new WickError(
    "UNSUPPORTED",
    `Cannot take the files of ${sanitise(reference)}: ${what}, wanted a source to build from`,
    { hint },
  );
}
