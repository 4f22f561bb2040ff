import type { ReadableStorage } from "../../bytes/index.ts";
import { PE32_PLUS, PE_MAGIC, PE_OFFSET, peHeader } from "./layout.ts";

/**
 * Where the signature of a PE image lies (the certificate table, PE format "The Attribute
 * Certificate Table"); undefined when it is not signed, no PE image, or says nonsense.
 */
export function readSignature(
  storage: ReadableStorage,
): { readonly offset: number; readonly sizeBytes: number } | undefined {
  const pointer = new Uint8Array(4);
  if (storage.readAt(pointer, PE_OFFSET) < pointer.length) return undefined;
  const bytes = new Uint8Array(peHeader.sizeBytes);
  const at = new DataView(pointer.buffer).getUint32(0, true);
  if (at >= storage.sizeBytes || storage.readAt(bytes, at) < bytes.length) return undefined;
  const header = peHeader.read(bytes);
  if (header.Signature !== PE_MAGIC || header.Magic !== PE32_PLUS) return undefined;
  const { CertificateTableOffset: offset, CertificateTableSize: sizeBytes } = header;
  const isThere = header.NumberOfRvaAndSizes > 4 && sizeBytes > 0 && offset > 0;
  return isThere && offset + sizeBytes <= storage.sizeBytes ? { offset, sizeBytes } : undefined;
}
