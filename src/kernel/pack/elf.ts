import { alignUp, storageOf } from "../../bytes/index.ts";
import { elf64Header, elf64ProgramHeader } from "../../formats/elf/index.ts";
import { pvhNotesOf, readVmlinux } from "../vmlinux.ts";
import { splitLine } from "./built-in-line.ts";
import { addedHeader, compactHead, type CompactHead } from "./elf-head.ts";
import { type ElfKernel, readElfKernel } from "./elf-kernel.ts";
import { type PlacedStubs, placeStubs } from "./elf-stubs.ts";
import { checkEnd } from "./memory-end.ts";
import { littleEndian, type Patch, patched, patchedFields } from "./patches.ts";
import type { PackedLayout, PackRequest } from "./types.ts";

const PAGE = 4096;
/** `p_flags`: PF_R, and with PF_W and PF_X. */
const READ = 4;
const ALL = 7;
/** Program headers that packing adds: the stubs', the initramfs'. */
const ADDED = 2;

/**
 * An ELF kernel for x86_64 with an initramfs, built anew: what is loaded back to back, without
 * sections and pages of zeros, then two more segments behind the kernel's memory: the stubs,
 * which PVH note and e_entry lead to, and the initramfs. Errors: KERNEL_INVALID, USAGE, UNSUPPORTED.
 */
export function packElf(request: PackRequest): PackedLayout {
  const { kernelName, initramfs, commandLine } = request;
  const kernel = readElfKernel(request.kernel, kernelName);
  const line = splitLine(commandLine);
  const given = { stub: request.stub, line, initramfsBytes: initramfs.sizeBytes };
  const stubs = placeStubs(kernel, given);
  const memoryEnd = alignUp(stubs.initramfs + initramfs.sizeBytes, PAGE);
  checkEnd(memoryEnd, request);
  const { noteSegments: notes, pieces } = kernel;
  const head = compactHead(request.kernel, { notes, pieces }, ADDED);
  const data = pieces.map(({ contents }) => contents);
  const changes = changesOf(head, { kernel, stubs, initramfsBytes: initramfs.sizeBytes });
  return {
    pieces: [storageOf(patched(head.bytes, changes)), ...data, storageOf(stubs.bytes)],
    unpacked: [storageOf(head.bytes), ...data],
    layout: {
      form: "ELF",
      arch: "x86_64",
      kernel: { sizeBytes: head.end },
      initramfs: { offset: head.end + stubs.bytes.length, sizeBytes: initramfs.sizeBytes },
      memoryStart: kernel.start,
      memoryEnd,
      commandLine,
      patched: patchedFields(head.bytes, changes),
      warnings: kernel.pvhEntry === undefined ? [WITHOUT_PVH] : [],
    },
  };
}

const WITHOUT_PVH =
  'the kernel has no PVH entry (ELF note "Xen" 18): Firecracker boots the packed file, QEMU and Cloud Hypervisor do not';

/** What leads loaders to the stubs and makes them load both segments. */
function changesOf(
  head: CompactHead,
  {
    kernel,
    stubs,
    initramfsBytes,
  }: {
    readonly kernel: ElfKernel;
    readonly stubs: PlacedStubs;
    readonly initramfsBytes: number;
  },
): Patch[] {
  const { e_entry, e_phnum } = elf64Header.offsets;
  const count = kernel.noteSegments.length + kernel.pieces.length + ADDED;
  const { address, memoryBytes } = stubs;
  const stubsAt = { flags: ALL, address, fileBytes: stubs.bytes.length, memoryBytes };
  const initramfsAt = {
    flags: READ,
    address: stubs.initramfs,
    fileBytes: initramfsBytes,
    memoryBytes: initramfsBytes,
  };
  const second = head.tableEnd + elf64ProgramHeader.sizeBytes;
  const header = (field: string, offset: number, bytes: Uint8Array): Patch => ({
    field,
    offset,
    bytes,
  });
  return [
    ...(stubs.entry64 === undefined
      ? []
      : [header("Elf64_Ehdr.e_entry", e_entry, littleEndian(stubs.entry64, 8))]),
    header("Elf64_Ehdr.e_phnum", e_phnum, littleEndian(count, 2)),
    header("Elf64_Phdr of the stubs", head.tableEnd, addedHeader(stubsAt, head.end)),
    header(
      "Elf64_Phdr of the initramfs",
      second,
      addedHeader(initramfsAt, head.end + stubs.bytes.length),
    ),
    ...noteChanges(head, stubs.pvhEntry),
  ];
}

/** Every PVH note's entry: VMMs take the first or the last of them. */
function noteChanges(head: CompactHead, entry: number | undefined): Patch[] {
  if (entry === undefined) return [];
  return pvhNotesOf(readVmlinux(head.bytes, "the kernel")).map(
    ({ descriptor, descriptorOffset }) => ({
      field: "XEN_ELFNOTE_PHYS32_ENTRY",
      offset: descriptorOffset,
      bytes: littleEndian(entry, Math.min(descriptor.length, 8)),
    }),
  );
}
