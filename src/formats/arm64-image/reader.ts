import { toSafeNumber, type ReadableStorage } from "../../bytes/index.ts";
import { WickError, type ErrorCode } from "../../errors/index.ts";
import { readSignature, sectionsEnd } from "../pe-image.ts";
import { branchTarget } from "./branch.ts";
import { IMAGE_FLAGS, IMAGE_MAGIC, imageHeader, MZ_MAGIC } from "./layout.ts";

/** The header's fields, by the boot protocol's names. */
export type ImageHeader = ReturnType<typeof imageHeader.read>;

/** What an Image says of itself, checked against the file. */
export interface Arm64Image {
  readonly header: ImageHeader;
  /** What the file holds, in bytes; the rest of the image's memory starts as anything. */
  readonly fileBytes: number;
  /** Memory that the kernel takes from where it is loaded, in bytes; never less than the file. */
  readonly imageBytes: number;
  /** From a 2 MiB boundary to where it is loaded, in bytes. */
  readonly textOffset: number;
  readonly bigEndian: boolean;
  /** In bytes; undefined where the header does not tell. */
  readonly pageSize: 4096 | 16384 | 65536 | undefined;
  /** Which field holds the branch to the kernel's code, and how far from the start that lies. */
  readonly branchField: "code0" | "code1";
  readonly entryOffset: number;
  /** Whether it is an EFI application, too. */
  readonly efi: boolean;
  /** Whether somebody signed it for EFI; changing the file makes that worthless. */
  readonly signed: boolean;
}

/** How errors speak of the file: `the kernel "Image"`, and their code. */
export interface ImageSubject {
  readonly what: string;
  readonly code: ErrorCode;
}

/** Kernels are tens of megabytes; what is beyond this is none. */
const IMAGE_LIMIT = 1 << 30;
/** text_offset is less than the boundary that it counts from. */
const TEXT_OFFSET_LIMIT = 2 << 20;

const pageSizes = [undefined, 4096, 16384, 65536] as const;

/** The header; undefined when `storage` holds no Image. */
export function readImageHeader(storage: ReadableStorage): ImageHeader | undefined {
  const bytes = new Uint8Array(imageHeader.sizeBytes);
  if (storage.readAt(bytes, 0) < bytes.length) return undefined;
  const header = imageHeader.read(bytes);
  return header.magic === IMAGE_MAGIC ? header : undefined;
}

/** Reads and checks an Image. Errors: `subject`'s code, KERNEL_INVALID by default. */
export function readArm64Image(
  storage: ReadableStorage,
  subject: Partial<ImageSubject> = {},
): Arm64Image {
  const { what = "the Image", code = "KERNEL_INVALID" } = subject;
  const invalid = (is: string) => new WickError(code, `Cannot read ${what}: ${is}`);
  const header = readImageHeader(storage);
  if (header === undefined) throw invalid('no "ARM\\x64" at byte 56, wanted an arm64 Image');
  const branch = branchOf(header);
  if (branch === undefined) throw invalid("neither code0 nor code1 is a branch");
  const fileBytes = storage.sizeBytes;
  if (branch.entryOffset < imageHeader.sizeBytes || branch.entryOffset + 4 > fileBytes) {
    throw invalid(`it starts at byte ${branch.entryOffset}, the file has ${fileBytes}`);
  }
  const efi = (header.code0 & 0xffff) === MZ_MAGIC;
  const peEnd = efi ? (sectionsEnd(storage) ?? 0) : 0;
  if (peEnd > fileBytes) {
    throw invalid(`it is truncated: its sections end at byte ${peEnd}, the file at ${fileBytes}`);
  }
  const pageBits = (header.flags >> IMAGE_FLAGS.PAGE_SIZE_SHIFT) & IMAGE_FLAGS.PAGE_SIZE_MASK;
  return {
    header,
    fileBytes,
    ...sizesOf(header, fileBytes, invalid),
    bigEndian: (header.flags & IMAGE_FLAGS.BIG_ENDIAN) !== 0n,
    pageSize: pageSizes[Number(pageBits)],
    ...branch,
    efi,
    signed: efi && readSignature(storage) !== undefined,
  };
}

function sizesOf(
  { image_size, text_offset }: ImageHeader,
  fileBytes: number,
  invalid: (is: string) => WickError,
): Pick<Arm64Image, "imageBytes" | "textOffset"> {
  if (image_size === 0n) throw invalid("image_size is 0, wanted a kernel of Linux 3.17 or newer");
  if (image_size > IMAGE_LIMIT || fileBytes > IMAGE_LIMIT) {
    throw invalid(`image_size is ${image_size}, the file has ${fileBytes}, the limit is 1 GiB`);
  }
  if (text_offset >= TEXT_OFFSET_LIMIT) {
    throw invalid(`text_offset is ${text_offset}, wanted less than 2 MiB`);
  }
  const imageBytes = Math.max(toSafeNumber(image_size, "image_size"), fileBytes);
  return { imageBytes, textOffset: toSafeNumber(text_offset, "text_offset") };
}

function branchOf(
  header: ImageHeader,
): Pick<Arm64Image, "branchField" | "entryOffset"> | undefined {
  const { code0, code1 } = imageHeader.offsets;
  const first = branchTarget(header.code0, code0);
  if (first !== undefined) return { branchField: "code0", entryOffset: first };
  const second = branchTarget(header.code1, code1);
  return second === undefined ? undefined : { branchField: "code1", entryOffset: second };
}
