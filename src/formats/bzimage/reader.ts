import { display, type ReadableStorage } from "../../bytes/index.ts";
import { WickError, type ErrorCode } from "../../errors/index.ts";
import { readSignature } from "../pe-image.ts";
import {
  BOOT_FLAG,
  JUMP_BASE,
  LOADFLAGS,
  PARAGRAPH_BYTES,
  PAYLOAD_VERSION,
  SECTOR_BYTES,
  SETUP_HEADER_OFFSET,
  SETUP_MAGIC,
  setupHeader,
  VERSION_BASE,
} from "./layout.ts";

/** The setup header's fields, by the boot protocol's names. */
export type SetupHeader = ReturnType<typeof setupHeader.read>;

/** A stretch of the file, in bytes. */
export interface FileRange {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** What a bzImage says of itself, checked against the file's size. */
export interface BzImage {
  /** Fields beyond the header's own end are zero. */
  readonly header: SetupHeader;
  /** `uname -r`: the first word of the version's text. */
  readonly release: string | undefined;
  /** Boot sector and real-mode code, in bytes; the protected-mode code follows. */
  readonly setupBytes: number;
  /** The protected-mode code: `syssize` in bytes, less where the file's last 16 are not whole. */
  readonly code: FileRange;
  /** The compressed kernel, with the 4 bytes behind it that tell its plain size. */
  readonly payload: FileRange | undefined;
  /** What somebody signed the file with for EFI; changing the file makes it worthless. */
  readonly signature: FileRange | undefined;
}

/** How errors speak of the file: `the kernel "vmlinuz"`, and their code. */
export interface BzImageSubject {
  readonly what: string;
  readonly code: ErrorCode;
}

const HEADER_END = SETUP_HEADER_OFFSET + setupHeader.sizeBytes;

/** The text of the kernel's version is shorter than this (arch/x86/boot/version.c). */
const VERSION_BYTES = 256;

/** The setup header; undefined when the file has none, so is no bzImage. */
export function readSetupHeader(storage: ReadableStorage): SetupHeader | undefined {
  const head = new Uint8Array(HEADER_END);
  if (storage.readAt(head, 0) < head.length) return undefined;
  const { boot_flag, header, jump } = setupHeader.read(head, SETUP_HEADER_OFFSET);
  if (boot_flag !== BOOT_FLAG || header !== SETUP_MAGIC) return undefined;
  // Behind a short header of an old protocol lies code.
  head.fill(0, Math.max(JUMP_BASE + (jump >>> 8), minimalEnd));
  return setupHeader.read(head, SETUP_HEADER_OFFSET);
}

/** Protocol 2.00's header ends with `heap_end_ptr`; whatever says less is damaged. */
const minimalEnd = SETUP_HEADER_OFFSET + setupHeader.offsets.ext_loader_ver;

/** `6.1.0-56-cloud-amd64 (builder@host) #1 SMP …` up to the first space. */
export function releaseOf(storage: ReadableStorage, header: SetupHeader): string | undefined {
  if (header.kernel_version === 0) return undefined;
  const text = new Uint8Array(VERSION_BYTES);
  const length = storage.readAt(text, header.kernel_version + VERSION_BASE);
  const end = text.subarray(0, length).findIndex((byte) => byte === 0 || byte === 0x20);
  return end > 0 ? display(text.subarray(0, end)) : undefined;
}

/**
 * Reads a bzImage's head. Errors, with the subject's code (KERNEL_INVALID by default): no
 * bzImage, a zImage, parts that lie outside of the file.
 */
export function readBzImage(
  storage: ReadableStorage,
  subject: Partial<BzImageSubject> = {},
): BzImage {
  const { what = "the bzImage", code = "KERNEL_INVALID" } = subject;
  const invalid = (is: string): WickError => new WickError(code, `Cannot read ${what}: ${is}`);
  const header = readSetupHeader(storage);
  if (header === undefined) throw invalid('it has no setup header, wanted "HdrS" at byte 0x202');
  if ((header.loadflags & LOADFLAGS.LOADED_HIGH) === 0) {
    throw invalid("it is a zImage, which is loaded below 1 MiB, wanted a bzImage");
  }
  const setupBytes = ((header.setup_sects || 4) + 1) * SECTOR_BYTES;
  const codeEnd = setupBytes + header.syssize * PARAGRAPH_BYTES;
  // syssize is rounded up; the file need not be.
  if (header.syssize === 0 || codeEnd >= storage.sizeBytes + PARAGRAPH_BYTES) {
    throw invalid(
      `it is truncated: its code ends at byte ${codeEnd}, the file at ${storage.sizeBytes}`,
    );
  }
  const sizeBytes = Math.min(codeEnd, storage.sizeBytes) - setupBytes;
  const parts = { setupBytes, code: { offset: setupBytes, sizeBytes } };
  return {
    header,
    release: releaseOf(storage, header),
    ...parts,
    payload: payloadOf(header, parts, invalid),
    signature: readSignature(storage),
  };
}

function payloadOf(
  header: SetupHeader,
  { setupBytes, code }: Pick<BzImage, "setupBytes" | "code">,
  invalid: (is: string) => WickError,
): FileRange | undefined {
  const { version, payload_offset: offset, payload_length: sizeBytes } = header;
  if (version < PAYLOAD_VERSION || sizeBytes === 0) return undefined;
  if (offset + sizeBytes > code.sizeBytes) {
    throw invalid(
      `its payload ends at byte ${offset + sizeBytes} of the code, which has ${code.sizeBytes}`,
    );
  }
  return { offset: setupBytes + offset, sizeBytes };
}
