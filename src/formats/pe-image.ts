import { le16, le32, le64, raw, struct, type ReadableStorage } from "../bytes/index.ts";

/*
 * The PE header of a kernel with an EFI stub, bzImage or Image (PE format, "Optional Header Data
 * Directories"): read as far as what says whether the file is signed, and whole.
 */
const PE_OFFSET = 0x3c;
/** "PE\0\0" */
const PE_MAGIC = 0x00004550;
const PE32_PLUS = 0x20b;

/** From the PE signature to the certificate table's entry, of a 64-bit image. */
const peHeader = struct("pe_header", 0xb0, [
  [0x00, "Signature", le32],
  [0x04, "Machine", le16],
  [0x06, "NumberOfSections", le16],
  [0x08, "TimeDateStamp", le32],
  [0x0c, "PointerToSymbolTable", le32],
  [0x10, "NumberOfSymbols", le32],
  [0x14, "SizeOfOptionalHeader", le16],
  [0x16, "Characteristics", le16],
  [0x18, "Magic", le16], // 0x20b: PE32+
  [0x1a, "LinkerVersion", le16],
  [0x1c, "SizeOfCode", le32],
  [0x20, "SizeOfInitializedData", le32],
  [0x24, "SizeOfUninitializedData", le32],
  [0x28, "AddressOfEntryPoint", le32],
  [0x2c, "BaseOfCode", le32],
  [0x30, "ImageBase", le64],
  [0x38, "SectionAlignment", le32],
  [0x3c, "FileAlignment", le32],
  [0x40, "Versions", le64],
  [0x48, "SubsystemVersion", le32],
  [0x4c, "Win32VersionValue", le32],
  [0x50, "SizeOfImage", le32],
  [0x54, "SizeOfHeaders", le32],
  [0x58, "CheckSum", le32],
  [0x5c, "Subsystem", le16],
  [0x5e, "DllCharacteristics", le16],
  [0x60, "SizeOfStackReserve", le64],
  [0x68, "SizeOfStackCommit", le64],
  [0x70, "SizeOfHeapReserve", le64],
  [0x78, "SizeOfHeapCommit", le64],
  [0x80, "LoaderFlags", le32],
  [0x84, "NumberOfRvaAndSizes", le32],
  [0x88, "ExportTable", le64],
  [0x90, "ImportTable", le64],
  [0x98, "ResourceTable", le64],
  [0xa0, "ExceptionTable", le64],
  [0xa8, "CertificateTableOffset", le32], // in the file; 0: not signed
  [0xac, "CertificateTableSize", le32],
]);

/** Behind the optional header: one a section. */
const sectionHeader = struct("section_header", 40, [
  [0x00, "Name", raw(8)],
  [0x08, "VirtualSize", le32],
  [0x0c, "VirtualAddress", le32],
  [0x10, "SizeOfRawData", le32],
  [0x14, "PointerToRawData", le32],
  [0x18, "PointerToRelocations", le32],
  [0x1c, "PointerToLinenumbers", le32],
  [0x20, "NumberOfRelocations", le16],
  [0x22, "NumberOfLinenumbers", le16],
  [0x24, "Characteristics", le32],
]);

/** Kernels have two to five sections. */
const SECTION_LIMIT = 96;

type Header = ReturnType<typeof peHeader.read>;

/**
 * Where the signature of a PE image lies (the certificate table, PE format "The Attribute
 * Certificate Table"); undefined when it is not signed, no PE image, or says nonsense.
 */
export function readSignature(
  storage: ReadableStorage,
): { readonly offset: number; readonly sizeBytes: number } | undefined {
  const header = headerOf(storage)?.header;
  if (header === undefined) return undefined;
  const { CertificateTableOffset: offset, CertificateTableSize: sizeBytes } = header;
  const isThere = header.NumberOfRvaAndSizes > 4 && sizeBytes > 0 && offset > 0;
  return isThere && offset + sizeBytes <= storage.sizeBytes ? { offset, sizeBytes } : undefined;
}

/** Where a PE image's last section ends in the file, in bytes; undefined when it is no PE image. */
export function sectionsEnd(storage: ReadableStorage): number | undefined {
  const found = headerOf(storage);
  if (found === undefined || found.header.NumberOfSections > SECTION_LIMIT) return undefined;
  const { at, header } = found;
  const start = at + peHeader.offsets.Magic + header.SizeOfOptionalHeader;
  const table = new Uint8Array(header.NumberOfSections * sectionHeader.sizeBytes);
  if (storage.readAt(table, start) < table.length) return undefined;
  let end = 0;
  for (let offset = 0; offset < table.length; offset += sectionHeader.sizeBytes) {
    const section = sectionHeader.read(table, offset);
    end = Math.max(end, section.PointerToRawData + section.SizeOfRawData);
  }
  return end;
}

function headerOf(storage: ReadableStorage): { at: number; header: Header } | undefined {
  const pointer = new Uint8Array(4);
  if (storage.readAt(pointer, PE_OFFSET) < pointer.length) return undefined;
  const bytes = new Uint8Array(peHeader.sizeBytes);
  const at = new DataView(pointer.buffer).getUint32(0, true);
  if (at >= storage.sizeBytes || storage.readAt(bytes, at) < bytes.length) return undefined;
  const header = peHeader.read(bytes);
  return header.Signature === PE_MAGIC && header.Magic === PE32_PLUS ? { at, header } : undefined;
}
