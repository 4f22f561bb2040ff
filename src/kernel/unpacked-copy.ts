import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { filesBelow, publish, readSmallFile } from "../host/index.ts";
import type { Kernel } from "./kernel.ts";
import { unpackKernelFile } from "./unpack-kernel.ts";

/** Where plain kernels are put. */
export interface UnpackedCopyOptions {
  readonly cacheDirectory: string;
  /** For those of the user's own kernels: a path in the run's private directory. */
  readonly privatePath: string;
  readonly signal?: AbortSignal | undefined;
}

/** Begins the name of a plain kernel in the cache; the digest of its bytes follows. */
const PREFIX = "unpacked-sha256-";

const PLAIN_BYTES = 512 << 20;

/**
 * The same kernel for a VMM that unpacks nothing: an ELF vmlinux, or an arm64 Image. Of a kernel
 * in the cache it lies beside it and is made once. Errors: those of {@link unpackKernelFile}.
 */
export async function unpackedCopy(kernel: Kernel, options: UnpackedCopyOptions): Promise<Kernel> {
  if (kernel.format === "ELF" || kernel.format === "Image") return kernel;
  const directory = dirname(kernel.path);
  const isKept = dirname(directory) === join(options.cacheDirectory, "kernels");
  const format = kernel.arch === "x86_64" ? "ELF" : "Image";
  const kept = isKept ? keptCopy(directory) : undefined;
  if (kept !== undefined) return { ...kernel, path: kept, format };
  const { bytes } = await unpackKernelFile(kernel.path, options.signal);
  const path = isKept ? join(directory, `${PREFIX}${digestOf(bytes)}`) : options.privatePath;
  await publish(path, (storage) => storage.writeAt(bytes, 0), { mode: 0o600 });
  return { ...kernel, path, format };
}

/** One that is as it was written; a damaged one is made anew over it. */
function keptCopy(directory: string): string | undefined {
  return filesBelow(directory)
    .filter((path) => basename(path).startsWith(PREFIX))
    .find((path) => basename(path) === `${PREFIX}${digestOf(readSmallFile(path, PLAIN_BYTES))}`);
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
