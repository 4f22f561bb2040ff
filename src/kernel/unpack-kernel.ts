import { basename } from "node:path";
import { type ReadableStorage, sanitise, storageOf } from "../bytes/index.ts";
import { decompress, kindOf } from "../compression/index.ts";
import { WickError } from "../errors/index.ts";
import { readZboot } from "../formats/arm64-image/index.ts";
import {
  type PayloadCompression,
  payloadCompression,
  PLAIN_SIZE_BYTES,
  readBzImage,
} from "../formats/bzimage/index.ts";
import { elfEnd, identifyElf, PT } from "../formats/elf/index.ts";
import { FileStorage } from "../host/index.ts";
import { identifyKernel, type KernelFormat } from "./image.ts";
import {
  gather,
  inflatePayload,
  invalid,
  once,
  PLAIN_LIMIT,
  type UnpackKernelOptions,
} from "./inflate-payload.ts";
import { readVmlinux } from "./vmlinux.ts";

/** A kernel as it lies in memory when it starts. */
export interface UnpackedKernel {
  /** The file's form; "zboot": an EFI application with an Image in it. */
  readonly from: KernelFormat | "zboot";
  readonly compression: PayloadCompression;
  /** What `bytes` are. */
  readonly format: "ELF" | "Image";
  readonly arch: string;
  /** `uname -r`: from a bzImage's header, else from the kernel's own text. */
  readonly release: string | undefined;
  readonly bytes: Uint8Array;
  /** The decompressor's table of relocations that followed the ELF and is left out, in bytes. */
  readonly relocationBytes: number;
}

/** Opens the kernel's file and unpacks it. */
export async function unpackKernelFile(
  path: string,
  signal?: AbortSignal,
): Promise<UnpackedKernel> {
  using storage = new FileStorage(path, "read");
  return unpackKernel(storage, { name: sanitise(basename(path)), signal });
}

/**
 * Takes the plain kernel out of a bzImage, an Image.gz or an EFI zboot image; ELF and Image are
 * given as they are. Memory is bounded by the size that the file states, and that by 512 MiB.
 * Errors: KERNEL_INVALID, COMPRESSION_INVALID, UNSUPPORTED, TOOL_MISSING.
 */
export async function unpackKernel(
  storage: ReadableStorage,
  options: UnpackKernelOptions,
): Promise<UnpackedKernel> {
  const identity = identifyKernel(storage);
  switch (identity?.format) {
    case "bzImage":
      return fromBzImage(storage, options);
    case "ELF": {
      const bytes = readAll(storage, options);
      checkWhole(bytes, options);
      const arch = identity.arch ?? "x86_64";
      return { ...plain("ELF", arch, bytes), from: "ELF", relocationBytes: 0 };
    }
    case "Image":
      return { ...plain("Image", "aarch64", readAll(storage, options)), from: "Image" };
    case "Image.gz":
      return fromImageGz(storage, options);
    default:
      return fromZboot(storage, options);
  }
}

/** A vmlinux without its end has its head all the same, and would be one that can do nothing. */
function checkWhole(bytes: Uint8Array, options: UnpackKernelOptions): void {
  for (const { type, offset, fileSize } of readVmlinux(bytes, `the kernel ${options.name}`)
    .segments) {
    const end = offset + fileSize;
    if (type !== PT.PT_LOAD || end <= bytes.length) continue;
    throw invalid(
      options,
      `it is truncated: a segment ends at byte ${end}, the file at ${bytes.length}`,
    );
  }
}

function plain(
  format: UnpackedKernel["format"],
  arch: string,
  bytes: Uint8Array,
): Omit<UnpackedKernel, "from"> {
  const release = releaseIn(bytes);
  return { format, arch, bytes, release, compression: "none", relocationBytes: 0 };
}

async function fromBzImage(
  storage: ReadableStorage,
  options: UnpackKernelOptions,
): Promise<UnpackedKernel> {
  const what = `the kernel ${options.name}`;
  const { payload, release } = readBzImage(storage, { what, code: "KERNEL_INVALID" });
  if (payload === undefined || payload.sizeBytes < 2 * PLAIN_SIZE_BYTES) {
    throw invalid(options, "its setup header names no payload, wanted boot protocol 2.08 or newer");
  }
  const bytes = readStretch(storage, payload, options);
  const compression = payloadCompression(bytes);
  if (compression === undefined) {
    const magic = Buffer.from(bytes.subarray(0, 4)).toString("hex");
    throw new WickError(
      "UNSUPPORTED",
      `Cannot unpack ${what}: its payload begins with ${magic}, wanted gzip, zstd, xz, lz4, lzma, bzip2 or lzo`,
    );
  }
  const all = await inflatePayload({ bytes, compression }, options);
  if (identifyElf(storageOf(all))?.architecture !== "x86_64") {
    throw invalid(options, "its payload is no ELF file for x86_64");
  }
  const end = elfEnd(all, { what, code: "KERNEL_INVALID" });
  const vmlinux = all.subarray(0, end);
  return {
    ...plain("ELF", "x86_64", vmlinux),
    from: "bzImage",
    compression,
    release: release ?? releaseIn(vmlinux),
    relocationBytes: all.length - end,
  };
}

async function fromImageGz(
  storage: ReadableStorage,
  options: UnpackKernelOptions,
): Promise<UnpackedKernel> {
  const packed = readAll(storage, options);
  const bytes = await gather(decompress(once(packed), options), { limit: PLAIN_LIMIT, options });
  checkImage(bytes, options);
  return { ...plain("Image", "aarch64", bytes), from: "Image.gz", compression: "gzip" };
}

async function fromZboot(
  storage: ReadableStorage,
  options: UnpackKernelOptions,
): Promise<UnpackedKernel> {
  const zboot = readZboot(storage);
  if (zboot === undefined)
    throw invalid(options, "it is no kernel, wanted a bzImage, ELF, Image or Image.gz");
  const stretch = { offset: zboot.payloadOffset, sizeBytes: zboot.payloadBytes };
  const packed = readStretch(storage, stretch, options);
  const compression = kindOf(packed);
  if (compression === "none") {
    throw new WickError(
      "UNSUPPORTED",
      `Cannot unpack the kernel ${options.name}: its payload is compressed as ${sanitise(zboot.compression)}`,
    );
  }
  const bytes = await gather(decompress(once(packed), options), { limit: PLAIN_LIMIT, options });
  checkImage(bytes, options);
  return { ...plain("Image", "aarch64", bytes), from: "zboot", compression };
}

function checkImage(bytes: Uint8Array, options: UnpackKernelOptions): void {
  if (identifyKernel(storageOf(bytes))?.format === "Image") return;
  const kind = kindOf(bytes);
  throw invalid(options, `it unpacks to ${kind === "none" ? "no Image" : `${kind} data`}`);
}

function readAll(storage: ReadableStorage, options: UnpackKernelOptions): Uint8Array {
  return readStretch(storage, { offset: 0, sizeBytes: storage.sizeBytes }, options);
}

function readStretch(
  storage: ReadableStorage,
  { offset, sizeBytes }: { readonly offset: number; readonly sizeBytes: number },
  options: UnpackKernelOptions,
): Uint8Array {
  if (sizeBytes > PLAIN_LIMIT) {
    throw invalid(options, `it has ${sizeBytes} bytes, the limit is ${PLAIN_LIMIT}`);
  }
  if (offset + sizeBytes > storage.sizeBytes) {
    throw invalid(options, `its payload ends beyond the file's ${storage.sizeBytes} bytes`);
  }
  const bytes = new Uint8Array(sizeBytes);
  if (storage.readAt(bytes, offset) === sizeBytes) return bytes;
  throw invalid(options, "it was cut while it was read");
}

const BANNER = Buffer.from("Linux version ");
const RELEASE_BYTES = 64;

/** From `linux_banner`: "Linux version RELEASE (…". */
function releaseIn(bytes: Uint8Array): string | undefined {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = all.indexOf(BANNER); at !== -1; at = all.indexOf(BANNER, at + 1)) {
    const start = at + BANNER.length;
    const text = all.toString("latin1", start, start + RELEASE_BYTES + 1);
    const release = /^(\d+\.[\w.+~-]+) \(/.exec(text)?.[1];
    if (release !== undefined) return release;
  }
  return undefined;
}
