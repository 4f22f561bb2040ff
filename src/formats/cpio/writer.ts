import { display, utf8 } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { S_IFMT } from "../../tree/index.ts";
import type { CpioEntry, CpioFile } from "./entry.ts";
import { ALIGNMENT, FILE_SIZE_LIMIT, MAGIC, newcHeader, PATH_MAX, TRAILER } from "./layout.ts";
import { archivePath } from "./paths.ts";

type Header = Partial<ReturnType<typeof newcHeader.read>>;

/** What the kernel's own tool counts from and says of every entry (usr/gen_init_cpio.c). */
const FIRST_INO = 721;
const DEVICE = { c_maj: 3, c_min: 1 } as const;

/** Archives end at a multiple of this, as cpio(1) and gen_init_cpio have it. */
const END_ALIGNMENT = 512;

const MAGIC_BYTES = utf8(MAGIC);
const NOTHING = new Uint8Array(0);

/** A file's bytes: all of them, or piece by piece together with their number. */
export type CpioContents =
  Uint8Array | { readonly sizeBytes: number; readonly chunks: Iterable<Uint8Array> };

/** What a new entry needs beside {@link CpioEntry}: the further names of a hard-linked file. */
export interface NewCpioEntry extends CpioEntry {
  readonly links?: readonly Uint8Array[];
}

/**
 * Writes a newc archive, byte for byte what gen_init_cpio writes for the same list.
 * The kernel creates no parents: add each directory before what lies in it.
 * `write` is handed the bytes in order; it gets the contents' own chunks, which are only lent.
 */
export class CpioWriter {
  readonly #write: (bytes: Uint8Array) => void;
  #position = 0;
  #ino = FIRST_INO;

  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
  }

  /** How long the archive is so far, in bytes. */
  get sizeBytes(): number {
    return this.#position;
  }

  /**
   * Adds one node under all of its names; a file's data goes with the last one.
   * Errors: IMAGE_LIMIT (a file of 4 GiB or more, a path too long), VALUE_OUT_OF_RANGE
   * (a number that does not fit), PATH_ESCAPES.
   */
  add(entry: NewCpioEntry, contents: CpioContents = NOTHING): void {
    const names = [entry.path, ...(entry.links ?? [])].map(archivePath);
    const sizeBytes = bodySize(entry, contents);
    const header = headerOf(entry, names.length, this.#ino++);
    const last = names.pop()!;
    for (const name of names) this.#entry(name, header);
    this.#entry(last, { ...header, c_filesize: sizeBytes });
    this.#body(entry, sizeBytes, contents);
  }

  /** Writes the trailer and zeros up to a multiple of `alignment` bytes (512; 4 is the least). */
  end({ alignment = END_ALIGNMENT }: { readonly alignment?: number } = {}): void {
    this.#entry(utf8(TRAILER), { c_nlink: 1 });
    this.#pad(alignment);
  }

  #entry(name: Uint8Array, header: Header): void {
    const namesize = name.length + 1;
    const bytes = new Uint8Array(newcHeader.sizeBytes + namesize);
    newcHeader.write(bytes, { ...zeroHeader, ...header, c_namesize: namesize });
    bytes.set(name, newcHeader.sizeBytes);
    this.#put(bytes);
    this.#pad(ALIGNMENT);
  }

  #body(entry: NewCpioEntry, sizeBytes: number, contents: CpioContents): void {
    const start = this.#position;
    for (const chunk of bodyChunks(entry, contents)) this.#put(chunk);
    const written = this.#position - start;
    if (written !== sizeBytes) {
      throw new WickError(
        "INTERNAL",
        `Cannot add "${display(entry.path)}" to the archive: its contents gave ${written} bytes, announced were ${sizeBytes}`,
      );
    }
    this.#pad(ALIGNMENT);
  }

  #pad(alignment: number): void {
    const excess = this.#position % alignment;
    if (excess > 0) this.#put(new Uint8Array(alignment - excess));
  }

  #put(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#write(bytes);
    this.#position += bytes.length;
  }
}

/** A whole archive of files that are in memory, in the order given. */
export function encodeCpio(files: readonly CpioFile[]): Uint8Array<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  const writer = new CpioWriter((bytes) => chunks.push(bytes));
  for (const file of files) writer.add(file, file.contents);
  writer.end();
  const archive = new Uint8Array(writer.sizeBytes);
  let position = 0;
  for (const chunk of chunks) {
    archive.set(chunk, position);
    position += chunk.length;
  }
  return archive;
}

const zeroHeader = {
  c_magic: MAGIC_BYTES,
  c_ino: 0,
  c_mode: 0,
  c_uid: 0,
  c_gid: 0,
  c_nlink: 0,
  c_mtime: 0,
  c_filesize: 0,
  c_maj: 0,
  c_min: 0,
  c_rmaj: 0,
  c_rmin: 0,
  c_chksum: 0, // MAGIC says that nobody looks at it
} as const;

function headerOf(entry: NewCpioEntry, nameCount: number, ino: number): Header {
  const header = {
    ...DEVICE,
    c_ino: ino,
    c_mode: S_IFMT[entry.kind] | (entry.mode & 0o7777),
    c_uid: entry.uid,
    c_gid: entry.gid,
    c_nlink: nlinkOf(entry, nameCount),
    c_mtime: entry.mtime,
    c_rmaj: entry.rdev?.major ?? 0,
    c_rmin: entry.rdev?.minor ?? 0,
  };
  for (const [field, value] of Object.entries(header)) checkField(entry, field, value);
  return header;
}

/** gen_init_cpio gives FIFOs and sockets the two links of a directory. */
function nlinkOf(entry: CpioEntry, nameCount: number): number {
  if (nameCount > 1) return nameCount;
  return entry.kind === "directory" || entry.kind === "fifo" || entry.kind === "socket" ? 2 : 1;
}

function checkField(entry: CpioEntry, field: string, value: number): void {
  if (Number.isInteger(value) && value >= 0 && value < FILE_SIZE_LIMIT) return;
  throw new WickError(
    "VALUE_OUT_OF_RANGE",
    `Cannot add "${display(entry.path)}" to the archive: ${field} is ${value}, newc holds 0 to ${FILE_SIZE_LIMIT - 1}`,
  );
}

function bodySize(entry: CpioEntry, contents: CpioContents): number {
  if (entry.kind === "symlink") return targetSize(entry);
  const sizeBytes = contents instanceof Uint8Array ? contents.length : contents.sizeBytes;
  if (sizeBytes >= FILE_SIZE_LIMIT) throw tooLarge(entry, sizeBytes);
  checkField(entry, "c_filesize", sizeBytes);
  if (sizeBytes === 0 || entry.kind === "file") return sizeBytes;
  throw new WickError(
    "INTERNAL",
    `Cannot add "${display(entry.path)}" to the archive: ${sizeBytes} bytes of contents for a ${entry.kind}`,
  );
}

function tooLarge(entry: CpioEntry, sizeBytes: number): WickError {
  const gib = (sizeBytes / 2 ** 30).toFixed(1);
  return new WickError(
    "IMAGE_LIMIT",
    `Cannot add "${display(entry.path)}" to the archive: ${gib} GiB, newc holds files under 4 GiB`,
    { hint: "use --format ext4" },
  );
}

/** A target counts its NUL, as gen_init_cpio writes it. */
function targetSize(entry: CpioEntry): number {
  const length = entry.target?.length ?? 0;
  if (length > 0 && length < PATH_MAX) return length + 1;
  throw new WickError(
    "IMAGE_LIMIT",
    `Cannot add "${display(entry.path)}" to the archive: its target has ${length} bytes, the kernel takes 1 to ${PATH_MAX - 1}`,
  );
}

function bodyChunks(entry: CpioEntry, contents: CpioContents): Iterable<Uint8Array> {
  if (entry.kind === "symlink") return [entry.target!, new Uint8Array(1)];
  return contents instanceof Uint8Array ? [contents] : contents.chunks;
}
