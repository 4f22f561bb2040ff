import { alignUp, bytesOf, storageOf, stretchOf } from "../../bytes/index.ts";
import {
  ENTRY_64,
  PARAGRAPH_BYTES,
  SETUP_HEADER_OFFSET,
  setupHeader,
  XLOADFLAGS,
} from "../../formats/bzimage/index.ts";
import { type BuiltInLine, LINE_BYTES, splitLine } from "./built-in-line.ts";
import { type BzImageKernel, ENTRY_BYTES, readBzImageKernel } from "./bzimage-kernel.ts";
import { fillBzImageStub } from "./bzimage-stub.ts";
import { checkEnd } from "./memory-end.ts";
import { littleEndian, type Patch, patched, patchedFields } from "./patches.ts";
import { behind, zeros } from "./pieces.ts";
import { stubEntry } from "./stub-entry.ts";
import type { PackedLayout, PackRequest } from "./types.ts";
import { lostByPacking } from "./warnings.ts";

const PAGE = 4096;
/** Of the stubs, which need some 300; they are in the file, so that they lie in our own memory. */
const STACK_BYTES = 1024;
/** The largest part of the file that is patched: boot sector, setup and the first entries. */
const HEAD_BYTES = 256 << 10;

/**
 * A bzImage with an initramfs: stubs and initramfs behind the file, jumps to the stubs at both
 * entries of the kernel's code, the header enlarged over all of it. EFI's ways in are closed:
 * they would go past the stubs. Errors: KERNEL_INVALID, USAGE, UNSUPPORTED.
 */
export function packBzImage(request: PackRequest): PackedLayout {
  const { kernel, kernelName, initramfs, commandLine } = request;
  const image = readBzImageKernel(kernel, kernelName);
  const sizeBytes = kernel.sizeBytes;
  const head = bytesOf(
    stretchOf(kernel, { offset: 0, sizeBytes: Math.min(HEAD_BYTES, sizeBytes) }),
  );
  const stubs = placeStubs(image, head, request);
  const initSize = initSizeOf(image, { stubs, initramfsBytes: initramfs.sizeBytes });
  const memoryEnd = image.address + initSize;
  checkEnd(memoryEnd, request);
  const end = stubs.initramfs + initramfs.sizeBytes;
  const changes = changesOf(head, { image, stubs, initSize, end });
  return {
    pieces: [
      storageOf(patched(head, changes)),
      behind(kernel, head.length),
      zeros(image.setupBytes + stubs.offset - sizeBytes),
      storageOf(stubs.bytes),
    ],
    unpacked: [kernel],
    layout: {
      form: "bzImage",
      arch: "x86_64",
      kernel: { sizeBytes },
      initramfs: { offset: image.setupBytes + stubs.initramfs, sizeBytes: initramfs.sizeBytes },
      memoryStart: image.address,
      memoryEnd,
      commandLine,
      patched: patchedFields(head, changes),
      warnings: lostByPacking({ efi: isPe(head), signed: image.signature !== undefined }),
    },
  };
}

/** "MZ" */
const isPe = (head: Uint8Array): boolean => head[0] === 0x4d && head[1] === 0x5a;

/** Offsets from the start of the code, in bytes. */
interface PlacedStubs {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly entry32: number;
  readonly entry64: number | undefined;
  readonly initramfs: number;
}

/** Behind the file: stubs, the built-in line's texts, the stack, the initramfs. */
function placeStubs(image: BzImageKernel, head: Uint8Array, request: PackRequest): PlacedStubs {
  const { kernel, initramfs } = request;
  const line = splitLine(request.commandLine);
  const offset = alignUp(kernel.sizeBytes - image.setupBytes, PARAGRAPH_BYTES);
  const code32 = request.stub("bzimage32");
  const code64 = request.stub("bzimage64");
  const second = alignUp(code32.length, PARAGRAPH_BYTES);
  const texts = second + code64.length;
  const textBytes = line.before.length + line.after.length;
  const stack = alignUp(texts + textBytes, PARAGRAPH_BYTES) + STACK_BYTES;
  const bytes = new Uint8Array(stack);
  const common = { image, line, initramfs: offset + stack, initramfsBytes: initramfs.sizeBytes };
  for (const [at, stub, entry] of [
    [0, code32, 0],
    [second, code64, ENTRY_64],
  ] as const) {
    const places = { distance: offset + at, kernel: entry, textOffset: texts - at };
    bytes.set(filled(head, stub, { ...common, ...places, stack: stack - at }), at);
  }
  bytes.set(line.before, texts);
  bytes.set(line.after, texts + line.before.length);
  return {
    offset,
    bytes,
    entry32: offset + stubEntry(code32),
    entry64: image.hasEntry64 ? offset + second + stubEntry(code64) : undefined,
    initramfs: offset + stack,
  };
}

function filled(
  head: Uint8Array,
  stub: Uint8Array,
  given: {
    readonly image: BzImageKernel;
    readonly line: BuiltInLine;
    readonly distance: number;
    readonly kernel: number;
    readonly textOffset: number;
    readonly stack: number;
    readonly initramfs: number;
    readonly initramfsBytes: number;
  },
): Uint8Array {
  const { image, initramfsBytes, ...places } = given;
  const { setupBytes, header, alignment } = image;
  const entry64 = setupBytes + ENTRY_64;
  const isEmpty = given.line.before.length + given.line.after.length === 0;
  return fillBzImageStub(stub, {
    ...places,
    alignment,
    init_size: header.init_size,
    pref_address: header.pref_address,
    startup_32: head.subarray(setupBytes, setupBytes + ENTRY_BYTES),
    startup_64: head.subarray(entry64, entry64 + ENTRY_BYTES),
    initramfs_size: initramfsBytes,
    room: isEmpty ? 0 : LINE_BYTES,
  });
}

/**
 * Memory from where the kernel runs up to the initramfs' end, as the stub moves it: behind
 * init_size, and not below where it was loaded, with the joined line's page before it.
 */
function initSizeOf(
  { header }: BzImageKernel,
  { stubs, initramfsBytes }: { readonly stubs: PlacedStubs; readonly initramfsBytes: number },
): number {
  const line = alignUp(Math.max(header.init_size, stubs.initramfs), PAGE);
  return alignUp(line + PAGE + initramfsBytes, PAGE);
}

/** A jump of five bytes, from `from` to `to`. */
function jump(from: number, to: number): Uint8Array {
  const bytes = Buffer.alloc(5, 0xe9); // jmp rel32
  bytes.writeInt32LE(to - from - bytes.length, 1);
  return bytes;
}

const { syssize, xloadflags, init_size, handover_offset } = setupHeader.offsets;

function changesOf(
  head: Uint8Array,
  {
    image,
    stubs,
    initSize,
    end,
  }: {
    readonly image: BzImageKernel;
    readonly stubs: PlacedStubs;
    readonly initSize: number;
    readonly end: number;
  },
): Patch[] {
  const field = (name: string, offset: number, bytes: Uint8Array): Patch => ({
    field: `setup_header.${name}`,
    offset: SETUP_HEADER_OFFSET + offset,
    bytes,
  });
  const { XLF_EFI_HANDOVER_32, XLF_EFI_HANDOVER_64 } = XLOADFLAGS;
  const flags = image.header.xloadflags & ~(XLF_EFI_HANDOVER_32 | XLF_EFI_HANDOVER_64);
  return [
    ...(isPe(head) ? [{ field: "PE signature", offset: 0, bytes: new Uint8Array(2) }] : []),
    field("syssize", syssize, littleEndian(Math.ceil(end / PARAGRAPH_BYTES), 4)),
    field("xloadflags", xloadflags, littleEndian(flags, 2)),
    field("init_size", init_size, littleEndian(initSize, 4)),
    field("handover_offset", handover_offset, new Uint8Array(4)),
    { field: "startup_32", offset: image.setupBytes, bytes: jump(0, stubs.entry32) },
    ...(stubs.entry64 === undefined
      ? []
      : [
          {
            field: "startup_64",
            offset: image.setupBytes + ENTRY_64,
            bytes: jump(ENTRY_64, stubs.entry64),
          },
        ]),
  ];
}
