import { createHash } from "node:crypto";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { isZero, sanitise } from "../bytes/index.ts";
import { parseOptions } from "../config/index.ts";
import { WickError } from "../errors/index.ts";
import { stubBinary } from "../guest/index.ts";
import { checkOutput, FileStorage, publish, readChunks, readSmallFile } from "../host/index.ts";
import {
  archiveBehind,
  checkCanBoot,
  cmaBytes,
  encodePackRecord,
  kernelCapabilities,
  leastMemory,
  packArm64Image,
  packBzImage,
  packElf,
  type PackedLayout,
  type PackRecord,
  unpackKernelFile,
} from "../kernel/index.ts";
import type { Context } from "./context.ts";
import { type InitramfsSummary, readInitramfs } from "./read-initramfs.ts";

const text = v.pipe(v.string(), v.nonEmpty("wanted a text that is not empty"));

const schema = v.strictObject({
  /** Path of a vmlinux (ELF) or bzImage for x86_64, or an Image, Image.gz or zboot image for aarch64. */
  kernel: text,
  /** Paths of initramfs files; later ones lie over earlier ones. */
  initramfs: v.pipe(v.array(text), v.minLength(1, "wanted an initramfs")),
  output: text,
  /** Goes before what the VMM says; ` -- words` of it behind. */
  commandLine: v.optional(v.string()),
});

/** What `pack` is asked for. */
export type PackOptions = v.InferInput<typeof schema>;

export interface Packed extends PackRecord {
  readonly output: string;
  readonly sizeBytes: number;
}

/** Writes one file of a kernel and its initramfs: it boots with no initrd and no drive. */
export async function pack(options: PackOptions, context: Context): Promise<Packed> {
  const given = parseOptions(schema, options, "pack");
  const at = (path: string): string => resolve(context.workingDirectory, path);
  const output = at(given.output);
  checkOutput(output);
  const parts = await initramfsParts(
    given.initramfs.map((path) => at(path)),
    context,
  );
  const kernel = await readKernel(at(given.kernel), parts, context);
  const { pieces, unpacked, layout } = packers[kernel.form]({
    kernel: kernel.bytes,
    kernelName: sanitise(basename(given.kernel)),
    initramfs: parts,
    commandLine: given.commandLine,
    stub: (name) => readSmallFile(fileURLToPath(stubBinary(name))),
  });
  for (const message of layout.warnings) context.onEvent({ type: "warning", message });
  const known = { kernel: kernel.bytes, unpacked, parts, layout };
  return publish(output, async (storage) => {
    const sha256 = await writePieces(storage, { pieces, parts }, context);
    const record = recordOf(known, sha256);
    storage.writeAt(encodePackRecord(record), layout.initramfs.offset + parts.sizeBytes);
    return { ...record, output, sizeBytes: storage.sizeBytes };
  });
}

/** The initramfs files, where each begins, and what they take of memory. */
interface InitramfsParts {
  readonly files: readonly { readonly path: string; readonly offset: number }[];
  readonly sizeBytes: number;
  readonly unpackedBytes: number;
  readonly decompressorBytes: number;
  readonly compressions: readonly InitramfsSummary["compression"][];
}

async function initramfsParts(
  paths: readonly string[],
  { signal }: Context,
): Promise<InitramfsParts> {
  const files = [];
  const sums = { sizeBytes: 0, unpackedBytes: 0, decompressorBytes: 0 };
  const compressions: InitramfsParts["compressions"][number][] = [];
  for (const path of paths) {
    using storage = new FileStorage(path, "read");
    const scan = await readInitramfs(storage, { name: sanitise(basename(path)), signal });
    const isCompressed = (compressions.at(-1) ?? "none") !== "none";
    const offset: number = files.length === 0 ? 0 : archiveBehind(sums.sizeBytes, { isCompressed });
    files.push({ path, offset });
    compressions.push(scan.compression);
    sums.sizeBytes = offset + storage.sizeBytes;
    sums.unpackedBytes += scan.unpackedBytes;
    sums.decompressorBytes = Math.max(sums.decompressorBytes, scan.decompressorBytes);
  }
  return { files, ...sums, compressions };
}

/** A kernel in the form in which it is packed. */
interface PackableKernel {
  readonly form: PackRecord["form"];
  readonly bytes: Uint8Array;
}

/** The kernel, when it is one that can do what the initramfs wants. */
async function readKernel(
  path: string,
  { compressions }: InitramfsParts,
  { signal }: Context,
): Promise<PackableKernel> {
  const name = sanitise(basename(path));
  const unpacked = await unpackKernelFile(path, signal);
  const capabilities = await kernelCapabilities(path, { signal, unpacked });
  for (const compression of compressions) {
    checkCanBoot(capabilities, { name, initrd: true, compression });
  }
  if (unpacked.from !== "bzImage") return { form: unpacked.format, bytes: unpacked.bytes };
  return { form: "bzImage", bytes: readWhole(path) };
}

/** A file that was unpacked already: it is regular, and not too large. */
function readWhole(path: string): Uint8Array {
  using storage = new FileStorage(path, "read");
  const bytes = new Uint8Array(storage.sizeBytes);
  return bytes.subarray(0, storage.readAt(bytes, 0));
}

const packers = { ELF: packElf, Image: packArm64Image, bzImage: packBzImage } as const;

/** Writes all pieces; the initramfs' SHA-256. What is zero stays a hole. */
async function writePieces(
  storage: FileStorage,
  { pieces, parts }: Pick<PackedLayout, "pieces"> & { readonly parts: InitramfsParts },
  { signal }: Context,
): Promise<string> {
  const digest = createHash("sha256");
  let position = 0;
  for (const piece of pieces) {
    if (piece !== "initramfs") {
      if (!isZero(piece)) storage.writeAt(piece, position);
      position += piece.length;
      continue;
    }
    let inside = 0;
    for (const { path, offset } of parts.files) {
      digest.update(new Uint8Array(offset - inside));
      inside = offset;
      for await (const chunk of readChunks(path, signal)) {
        storage.writeAt(chunk, position + inside);
        digest.update(chunk);
        inside += chunk.length;
      }
    }
    if (inside !== parts.sizeBytes) {
      throw new WickError("SOURCE_FAILED", "Cannot pack the initramfs: it changed meanwhile");
    }
    position += inside;
  }
  return digest.digest("hex");
}

function recordOf(
  {
    kernel,
    unpacked,
    parts,
    layout,
  }: {
    readonly kernel: Uint8Array;
    readonly unpacked: PackedLayout["unpacked"];
    readonly parts: InitramfsParts;
    readonly layout: PackedLayout["layout"];
  },
  sha256: string,
): PackRecord {
  const { form, arch, initramfs, memoryEnd, commandLine, patched } = layout;
  const digest = createHash("sha256");
  for (const bytes of unpacked) digest.update(bytes);
  const memory = leastMemory({
    arch,
    kernelEndBytes: memoryEnd - initramfs.sizeBytes,
    initrdBytes: initramfs.sizeBytes,
    unpackedBytes: parts.unpackedBytes,
    decompressorBytes: parts.decompressorBytes,
    setAsideBytes: arch === "aarch64" ? cmaBytes(kernel, commandLine) : 0,
    root: "tmpfs",
  });
  return {
    wick: 1,
    form,
    arch,
    kernel: { ...layout.kernel, sha256: digest.digest("hex") },
    initramfs: { ...initramfs, sha256 },
    memoryEnd,
    ...(commandLine === undefined ? {} : { commandLine }),
    patched,
    leastMemoryMiB: memory.mib,
  };
}
