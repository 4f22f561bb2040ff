import { toSafeNumber, type ReadableStorage } from "../../bytes/index.ts";
import { WickError, type ErrorCode } from "../../errors/index.ts";

/** How errors speak of the file: `the kernel "vmlinux"`, and their code. */
export interface ElfSubject {
  readonly what: string;
  readonly code: ErrorCode;
}

/** No part of a file that is read in one go may be larger: 64 MiB. */
const PART_LIMIT = 64 << 20;

/** The bytes of an ELF file, every access checked against its size. */
export class ElfBytes {
  readonly subject: ElfSubject;
  readonly sizeBytes: number;
  readonly #storage: ReadableStorage;

  constructor(storage: ReadableStorage, subject: ElfSubject) {
    this.#storage = storage;
    this.subject = subject;
    this.sizeBytes = storage.sizeBytes;
  }

  /** The `length` bytes at `offset`; `part` names them in the error when they are not in the file. */
  read(offset: number | bigint, length: number | bigint, part: string): Uint8Array {
    const end = BigInt(offset) + BigInt(length);
    if (end > BigInt(this.sizeBytes)) {
      throw this.invalid(`${part} ends at byte ${end}, the file at ${this.sizeBytes}`);
    }
    if (length > PART_LIMIT) {
      throw this.invalid(`${part} has ${length} bytes, the limit is ${PART_LIMIT}`);
    }
    const bytes = new Uint8Array(Number(length));
    const count = this.#storage.readAt(bytes, toSafeNumber(BigInt(offset), part));
    if (count < bytes.length) throw this.invalid(`${part} is cut off`);
    return bytes;
  }

  invalid(is: string, hint?: string): WickError {
    const message = `Cannot read ${this.subject.what}: ${is}`;
    return new WickError(this.subject.code, message, hint === undefined ? {} : { hint });
  }
}

/** The string at `offset` of a table, without its NUL; undefined when none of at most `limit` bytes is there. */
export function stringAt(
  table: Uint8Array,
  offset: number | bigint,
  limit: number,
): Uint8Array | undefined {
  if (offset >= table.length) return undefined;
  const start = Number(offset);
  const end = table.subarray(start, start + limit + 1).indexOf(0);
  return end === -1 ? undefined : table.subarray(start, start + end);
}
