import { alignUp } from "../../bytes/index.ts";
import { type BuiltInLine, LINE_BYTES } from "./built-in-line.ts";
import type { ElfKernel } from "./elf-kernel.ts";
import { fillElfStub } from "./elf-stub.ts";
import { stubEntry } from "./stub-entry.ts";
import type { StubName } from "./types.ts";

const PAGE = 4096;
/** Of each stub, of the texts and of the line. */
const ALIGNMENT = 16;
/** Of the stubs, which need some 300. */
const STACK_BYTES = 2048;

/** The boot stubs of an ELF kernel. Addresses are physical. */
export interface PlacedStubs {
  readonly address: number;
  /** What the file holds of them. */
  readonly bytes: Uint8Array;
  readonly memoryBytes: number;
  readonly pvhEntry: number | undefined;
  readonly entry64: number | undefined;
  /** Where the initramfs goes: the kernel frees it by pages, so it begins one. */
  readonly initramfs: number;
}

/** A stub's code, where it lies from the first one's start, and where it goes on to. */
interface Placed {
  readonly name: StubName;
  readonly code: Uint8Array;
  readonly offset: number;
  readonly kernelEntry: number;
}

/** Puts behind the kernel: stubs, the built-in line's texts | the joined line, a stack. */
export function placeStubs(
  kernel: ElfKernel,
  given: {
    readonly stub: (name: StubName) => Uint8Array;
    readonly line: BuiltInLine;
    readonly initramfsBytes: number;
  },
): PlacedStubs {
  const { line } = given;
  const address = alignUp(kernel.end, PAGE);
  const { placed, end: texts } = placeCode(kernel, given.stub);
  const textBytes = line.before.length + line.after.length;
  const lineOffset = alignUp(texts + textBytes, ALIGNMENT);
  const lineRoom = textBytes === 0 ? 0 : LINE_BYTES;
  const memoryBytes = lineOffset + lineRoom + STACK_BYTES;
  const initramfs = alignUp(address + memoryBytes, PAGE);
  const bytes = new Uint8Array(lineOffset);
  for (const { code, offset, kernelEntry } of placed) {
    const filled = fillElfStub(code, {
      kernel: kernelEntry,
      stack: address + memoryBytes,
      initramfs: { address: initramfs, sizeBytes: given.initramfsBytes },
      textOffset: texts - offset,
      line,
      lineAddress: address + lineOffset,
      lineRoom,
    });
    bytes.set(filled, offset);
  }
  bytes.set(line.before, texts);
  bytes.set(line.after, texts + line.before.length);
  const entryOf = (wanted: StubName): number | undefined => {
    const stub = placed.find(({ name }) => name === wanted);
    return stub && address + stub.offset + stubEntry(stub.code);
  };
  const entries = { pvhEntry: entryOf("pvh"), entry64: entryOf("linux64") };
  return { address, bytes, memoryBytes, ...entries, initramfs };
}

/** A stub for each way into the kernel that there is. */
function placeCode(
  { pvhEntry, entry64 }: ElfKernel,
  stub: (name: StubName) => Uint8Array,
): { placed: Placed[]; end: number } {
  const placed: Placed[] = [];
  let end = 0;
  const ways = { pvh: pvhEntry, linux64: entry64 } as const;
  for (const name of ["pvh", "linux64"] as const) {
    const kernelEntry = ways[name];
    if (kernelEntry === undefined) continue;
    const code = stub(name);
    placed.push({ name, code, offset: end, kernelEntry });
    end = alignUp(end + code.length, ALIGNMENT);
  }
  return { placed, end };
}
