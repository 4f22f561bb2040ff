import { createHash } from "node:crypto";
import { type ReadableStorage, stretchOf } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { identifyKernel, type PackRecord, readPackRecord } from "../../kernel/index.ts";
import { storageChunks } from "../common/storage-chunks.ts";

interface Options {
  /** For messages; safe to print. */
  readonly name: string;
  readonly signal?: AbortSignal | undefined;
}

/** As of kernels that are unpacked. */
const KERNEL_BYTES = 512 << 20;

/**
 * The record of a kernel that has its initramfs in it; undefined for any other file. Errors:
 * KERNEL_INVALID where the record is damaged.
 */
export function packedRecord(storage: ReadableStorage): PackRecord | undefined {
  return identifyKernel(storage) === undefined ? undefined : readPackRecord(storage);
}

/**
 * The archives of a packed file's initramfs, which is compared with its digest; later ones lie
 * over earlier ones. Errors: DIGEST_MISMATCH.
 */
export async function packedInitramfs(
  storage: ReadableStorage,
  { initramfs }: PackRecord,
  options: Options,
): Promise<readonly ReadableStorage[]> {
  const stretch = stretchOf(storage, initramfs);
  const digest = createHash("sha256");
  for await (const chunk of storageChunks(stretch, options)) digest.update(chunk);
  check({ ...options, part: "initramfs", is: digest.digest("hex"), wanted: initramfs.sha256 });
  return initramfs.parts.map((part) => stretchOf(stretch, part));
}

/** A packed file's kernel as it was before, compared with its digest. Errors: DIGEST_MISMATCH. */
export function packedKernel(
  storage: ReadableStorage,
  { kernel, patched }: PackRecord,
  options: Options,
): Uint8Array {
  if (kernel.sizeBytes > KERNEL_BYTES) {
    throw new WickError(
      "KERNEL_INVALID",
      `Cannot use ${options.name}: its kernel has ${kernel.sizeBytes} bytes, the limit is ${KERNEL_BYTES}`,
    );
  }
  const bytes = Buffer.alloc(kernel.sizeBytes);
  storage.readAt(bytes, 0);
  for (const { offset, was } of patched) bytes.set(Buffer.from(was, "hex"), offset);
  const is = createHash("sha256").update(bytes).digest("hex");
  check({ ...options, part: "kernel", is, wanted: kernel.sha256 });
  return bytes;
}

function check(of: {
  readonly name: string;
  readonly part: string;
  readonly is: string;
  readonly wanted: string;
}): void {
  if (of.is === of.wanted) return;
  throw new WickError(
    "DIGEST_MISMATCH",
    `Cannot use ${of.name}: the SHA-256 of its ${of.part} is ${of.is}, wanted ${of.wanted}`,
    { hint: "the file was damaged or changed since it was packed: pack it again" },
  );
}
