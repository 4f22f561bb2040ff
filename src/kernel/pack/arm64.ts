import { alignUp, bytesOf, storageOf, stretchOf } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import {
  type Arm64Image,
  encodeBranch,
  imageHeader,
  readArm64Image,
} from "../../formats/arm64-image/index.ts";
import { fillStub } from "./arm64-stub.ts";
import { splitLine } from "./built-in-line.ts";
import { behind, zeros } from "./pieces.ts";
import { stubEntry } from "./stub-entry.ts";
import type { PackedLayout, PackRequest, PatchedField } from "./types.ts";
import { lostByPacking } from "./warnings.ts";

/** Bytes of the stub's stack; it needs a few hundred. */
const STACK_BYTES = 4096;
/**
 * Room for the copy of the device tree: QEMU's has 8 KiB, boards' up to some 200. It is memory
 * only while the kernel starts, but counts among the smallest machine's.
 */
const TREE_BYTES = 512 << 10;
/** The loader puts an Image at a multiple of this, and text_offset. */
const LOAD_BOUNDARY = 2 << 20;
/** What a page may be at most: pieces that the kernel frees share none with others. */
const LARGEST_PAGE = 65536;

/** Where the parts of a packed Image lie, from its start in bytes. */
interface Places {
  readonly stub: number;
  readonly initramfs: number;
  readonly scratch: number;
  readonly end: number;
}

/**
 * An Image with an initramfs: the stub and the initramfs behind the kernel's memory, the header
 * enlarged over them, the first instruction a branch to the stub. The header says no longer that
 * there is an EFI application: its entry would go past the stub. Errors: KERNEL_INVALID, USAGE.
 */
export function packArm64Image(request: PackRequest): PackedLayout {
  const { kernel, kernelName, initramfs } = request;
  const stub = request.stub("image");
  const image = readArm64Image(kernel, { what: `the kernel ${kernelName}` });
  const line = splitLine(request.commandLine);
  const entry = stubEntry(stub);
  const stubBytes = stub.length + line.before.length + line.after.length;
  const places = placesOf(image, { stubBytes, initramfsBytes: initramfs.sizeBytes });
  const filled = fillStub(
    stub,
    {
      self_offset: BigInt(places.stub),
      kernel_offset: BigInt(image.entryOffset),
      initrd_offset: BigInt(places.initramfs),
      initrd_size: BigInt(initramfs.sizeBytes),
      scratch_offset: BigInt(places.scratch),
      stack_size: BigInt(STACK_BYTES),
      tree_room: BigInt(TREE_BYTES),
    },
    line,
  );
  const header = headerFor(image, { branchTo: places.stub + entry, end: places.end, kernelName });
  const kernelBytes = kernel.sizeBytes;
  return {
    pieces: [
      storageOf(header),
      behind(kernel, header.length),
      zeros(places.stub - kernelBytes),
      storageOf(filled),
      zeros(places.initramfs - places.stub - filled.length),
    ],
    unpacked: [kernel],
    layout: {
      form: "Image",
      arch: "aarch64",
      kernel: { sizeBytes: kernelBytes },
      initramfs: { offset: places.initramfs, sizeBytes: initramfs.sizeBytes },
      memoryStart: 0,
      memoryEnd: LOAD_BOUNDARY + image.textOffset + places.end,
      commandLine: request.commandLine,
      patched: patchedFields(bytesOf(stretchOf(kernel, { offset: 0, sizeBytes: header.length }))),
      warnings: lostByPacking(image),
    },
  };
}

function placesOf(
  image: Arm64Image,
  sizes: { readonly stubBytes: number; readonly initramfsBytes: number },
): Places {
  const page = image.pageSize ?? LARGEST_PAGE;
  const stub = alignUp(Math.max(image.imageBytes, image.fileBytes), page);
  const initramfs = alignUp(stub + sizes.stubBytes, page);
  const scratch = alignUp(initramfs + sizes.initramfsBytes, page);
  return { stub, initramfs, scratch, end: alignUp(scratch + STACK_BYTES + TREE_BYTES, page) };
}

const { code0, code1, image_size, res5 } = imageHeader.offsets;

/** The header's fields that change. */
const changed = [
  { field: "code0", offset: code0, sizeBytes: 4 },
  { field: "code1", offset: code1, sizeBytes: 4 },
  { field: "image_size", offset: image_size, sizeBytes: 8 },
  { field: "res5", offset: res5, sizeBytes: 4 },
] as const;

function headerFor(
  { header }: Arm64Image,
  to: { readonly branchTo: number; readonly end: number; readonly kernelName: string },
): Uint8Array {
  if (to.branchTo >= 1 << 27) {
    throw new WickError(
      "KERNEL_INVALID",
      `Cannot pack the kernel ${to.kernelName}: it takes ${to.branchTo} bytes, wanted at most 128 MiB`,
    );
  }
  return imageHeader.encode({
    ...header,
    code0: encodeBranch(0, to.branchTo),
    code1: 0,
    image_size: BigInt(to.end),
    res5: 0, // no PE header, or EFI would start the kernel without its initramfs
  });
}

function patchedFields(kernel: Uint8Array): PatchedField[] {
  return changed.map(({ field, offset, sizeBytes }) => {
    const was = Buffer.from(kernel.subarray(offset, offset + sizeBytes)).toString("hex");
    return { field: `arm64_image_header.${field}`, offset, was };
  });
}
