import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { bytesOf, isZero, type ReadableStorage, storageOf, windowsOf } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { stubBinary } from "../../guest/index.ts";
import { type FileStorage, readSmallFile } from "../../host/index.ts";
import {
  archiveBehind,
  cmaBytes,
  encodePackRecord,
  leastMemory,
  type MemoryNeeded,
  packArm64Image,
  packBzImage,
  packElf,
  type PackedLayout,
  type PackRecord,
} from "../../kernel/index.ts";
import type { Context } from "../common/context.ts";
import type { InitramfsSummary } from "../initramfs/read-initramfs.ts";
import { storageChunks } from "../common/storage-chunks.ts";

/** One of the archives that lie over one another, later ones on top. */
export interface Archive {
  readonly storage: ReadableStorage;
  readonly summary: Pick<InitramfsSummary, "unpackedBytes" | "decompressorBytes" | "compression">;
}

/** One that is in memory and not compressed. */
export function plainArchive(bytes: Uint8Array): Archive {
  const summary = {
    unpackedBytes: bytes.length,
    decompressorBytes: 0,
    compression: "none",
  } as const;
  return { storage: storageOf(bytes), summary };
}

/** What becomes one file. */
export interface Packing {
  readonly kernel: { readonly form: PackRecord["form"]; readonly storage: ReadableStorage };
  /** For messages; safe to print. */
  readonly kernelName: string;
  readonly archives: readonly Archive[];
  readonly commandLine: string | undefined;
  /** What the VMM will add to it, where that is known: it may take of the memory. */
  readonly vmmLine?: string;
}

/** What was written, and the memory that it takes. */
export interface WrittenPacked {
  readonly record: PackRecord;
  readonly memory: MemoryNeeded;
  readonly warnings: readonly string[];
}

/**
 * Writes kernel and archives as one file that boots into `storage`, which is empty. `beside` is
 * called once all but the last page is written: what it starts runs while the kernel is digested.
 */
export async function writePacked(
  storage: FileStorage,
  packing: Packing,
  { signal }: Context,
  beside: () => void = () => undefined,
): Promise<WrittenPacked> {
  const { kernel, kernelName, commandLine } = packing;
  const initramfs = placed(packing.archives);
  const { pieces, unpacked, layout } = packers[kernel.form]({
    kernel: kernel.storage,
    kernelName,
    initramfs,
    commandLine,
    stub: (name) => readSmallFile(fileURLToPath(stubBinary(name))),
  });
  writePieces(storage, pieces);
  const sha256 = await writeInitramfs(storage, { ...initramfs, ...layout.initramfs }, signal);
  beside();
  const memory = memoryOf(layout, packing, initramfs);
  const { warnings, commandLine: _, memoryStart: _start, ...parts } = layout;
  const record: PackRecord = {
    wick: 1,
    ...parts,
    kernel: { ...layout.kernel, sha256: digestOf(unpacked) },
    initramfs: { ...layout.initramfs, sha256, parts: initramfs.parts.map(placeOf) },
    ...(commandLine === undefined ? {} : { commandLine }),
    leastMemoryMiB: memory.mib,
  };
  storage.writeAt(encodePackRecord(record), layout.initramfs.offset + initramfs.sizeBytes);
  return { record, memory, warnings };
}

const placeOf = ({ storage, offset }: Placed["parts"][number]) => ({
  offset,
  sizeBytes: storage.sizeBytes,
});

function digestOf(pieces: readonly ReadableStorage[]): string {
  const digest = createHash("sha256");
  for (const { bytes } of windowsOf(pieces)) digest.update(bytes);
  return digest.digest("hex");
}

const packers = { ELF: packElf, Image: packArm64Image, bzImage: packBzImage } as const;

/** The archives, each where it begins, and what they take together. */
interface Placed {
  readonly parts: readonly { readonly storage: ReadableStorage; readonly offset: number }[];
  readonly sizeBytes: number;
  readonly unpackedBytes: number;
  readonly decompressorBytes: number;
}

function placed(archives: readonly Archive[]): Placed {
  const parts: Placed["parts"][number][] = [];
  const sums = { sizeBytes: 0, unpackedBytes: 0, decompressorBytes: 0 };
  let isCompressed = false;
  for (const { storage, summary } of archives) {
    const offset = parts.length === 0 ? 0 : archiveBehind(sums.sizeBytes, { isCompressed });
    parts.push({ storage, offset });
    isCompressed = summary.compression !== "none";
    sums.sizeBytes = offset + storage.sizeBytes;
    sums.unpackedBytes += summary.unpackedBytes;
    sums.decompressorBytes = Math.max(sums.decompressorBytes, summary.decompressorBytes);
  }
  return { parts, ...sums };
}

/** What is zero stays a hole. */
function writePieces(storage: FileStorage, pieces: readonly ReadableStorage[]): void {
  for (const { bytes, position } of windowsOf(pieces)) {
    if (!isZero(bytes)) storage.writeAt(bytes, position);
  }
}

/** Writes the archives, the first one at `offset`; the SHA-256 of what lies there then. */
async function writeInitramfs(
  storage: FileStorage,
  { parts, offset, sizeBytes }: Placed & { readonly offset: number },
  signal: AbortSignal | undefined,
): Promise<string> {
  const digest = createHash("sha256");
  let end = 0;
  for (const part of parts) {
    digest.update(new Uint8Array(part.offset - end));
    end = part.offset;
    for await (const chunk of storageChunks(part.storage, { signal })) {
      storage.writeAt(chunk, offset + end);
      digest.update(chunk);
      end += chunk.length;
    }
  }
  if (end === sizeBytes) return digest.digest("hex");
  throw new WickError("SOURCE_FAILED", "Cannot pack the initramfs: it changed meanwhile");
}

function memoryOf(
  { arch, memoryStart, memoryEnd }: PackedLayout["layout"],
  { kernel, commandLine = "", vmmLine = "" }: Packing,
  { sizeBytes, unpackedBytes, decompressorBytes }: Placed,
): MemoryNeeded {
  return leastMemory({
    arch,
    kernelEndBytes: memoryEnd - sizeBytes,
    kernelStartBytes: memoryStart,
    initrdBytes: sizeBytes,
    unpackedBytes,
    decompressorBytes,
    setAsideBytes:
      arch === "aarch64" ? cmaBytes(bytesOf(kernel.storage), `${commandLine} ${vmmLine}`) : 0,
    root: "tmpfs",
  });
}
