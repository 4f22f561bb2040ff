import { storageOf, type ReadableStorage } from "../../bytes/index.ts";
import { readDynamic, type ElfDynamic } from "./dynamic.ts";
import { ElfBytes, type ElfSubject } from "./file.ts";
import { identifyElf, type ElfIdentity } from "./identity.ts";
import { elf64Header, PT, SHT } from "./layout.ts";
import { readNotes, type ElfNote } from "./notes.ts";
import { readSections, type ElfSection } from "./sections.ts";
import { readImports } from "./symbols.ts";
import { readSegments, type ElfSegment } from "./segments.ts";

type Header = ReturnType<typeof elf64Header.read>;

/**
 * A 64-bit little-endian ELF file. Each part is read when it is asked for, so that what
 * nobody needs may be damaged; every offset and size is checked against the file.
 */
export class ElfFile {
  readonly identity: ElfIdentity;
  /** `e_entry`: the virtual address at which it starts. */
  readonly entry: bigint;
  readonly segments: readonly ElfSegment[];
  readonly #bytes: ElfBytes;
  readonly #header: Header;
  #sections: readonly ElfSection[] | undefined;

  /** For {@link readElf}. */
  constructor(bytes: ElfBytes, identity: ElfIdentity) {
    this.#bytes = bytes;
    this.identity = identity;
    this.#header = elf64Header.read(bytes.read(0, elf64Header.sizeBytes, "the header"));
    this.entry = this.#header.e_entry;
    this.segments = readSegments(bytes, this.#header);
  }

  /** PT_INTERP: the path of the dynamic linker; undefined for a static program or a library. */
  get interpreter(): Uint8Array | undefined {
    const segment = this.segments.find(({ type }) => type === PT.PT_INTERP);
    if (segment === undefined) return undefined;
    const path = this.#bytes.read(segment.offset, segment.fileSize, "PT_INTERP");
    const end = path.indexOf(0);
    if (end > 0) return path.subarray(0, end);
    throw this.#bytes.invalid("PT_INTERP holds no path");
  }

  /** What the dynamic linker is told; undefined when there is nothing to link. */
  get dynamic(): ElfDynamic | undefined {
    return readDynamic(this.#bytes, this.segments);
  }

  /** Names of functions and data that other files are to bring; none without section headers. */
  get imports(): readonly Uint8Array[] {
    return readImports(this.#bytes, this.section(".dynsym"), this.section(".dynstr"));
  }

  get sections(): readonly ElfSection[] {
    this.#sections ??= readSections(this.#bytes, this.#header);
    return this.#sections;
  }

  /** The first section of that name. */
  section(name: string): ElfSection | undefined {
    return this.sections.find((section) => equalsText(section.name, name));
  }

  /** A section's bytes; none for .bss and its like. Errors: those of the file, also beyond 64 MiB. */
  contents(section: ElfSection): Uint8Array {
    if (section.type === SHT.SHT_NOBITS) return new Uint8Array(0);
    return this.#bytes.read(section.offset, section.size, "a section");
  }

  /** The notes of its segments, or where it has no segments (modules) of its sections. */
  get notes(): readonly ElfNote[] {
    if (this.segments.length === 0) {
      return readNotes(
        this.#bytes,
        this.sections.filter(({ type }) => type === SHT.SHT_NOTE),
      );
    }
    const segments = this.segments.filter(({ type }) => type === PT.PT_NOTE);
    return readNotes(
      this.#bytes,
      segments.map((segment) => ({ ...segment, size: segment.fileSize })),
    );
  }
}

/**
 * Opens an ELF file. `subject.what` names it in errors (`the kernel "vmlinux"`) and
 * `subject.code` is their code, IMAGE_INVALID by default. A file of another class or byte
 * order is an error that says which; {@link identifyElf} reads the first bytes of any.
 */
export function readElf(
  source: ReadableStorage | Uint8Array,
  subject: Partial<ElfSubject> = {},
): ElfFile {
  const storage = source instanceof Uint8Array ? storageOf(source) : source;
  const bytes = new ElfBytes(storage, { what: "the ELF file", code: "IMAGE_INVALID", ...subject });
  const identity = identifyElf(storage);
  if (identity === undefined)
    throw bytes.invalid("it is no ELF file, wanted 0x7f, ELF at its start");
  if (identity.bits !== 64 || identity.endianness !== "little") {
    throw bytes.invalid(
      `it is ${identity.bits}-bit ${identity.endianness}-endian for ${identity.architecture}, wanted 64-bit little-endian`,
      "wick's machines are x86_64 and aarch64",
    );
  }
  return new ElfFile(bytes, identity);
}

function equalsText(bytes: Uint8Array, text: string): boolean {
  return bytes.length === text.length && bytes.every((byte, i) => byte === text.charCodeAt(i));
}
