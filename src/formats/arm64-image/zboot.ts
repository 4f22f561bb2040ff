import { display, type ReadableStorage } from "../../bytes/index.ts";
import { MZ_MAGIC, ZBOOT_MAGIC, zbootHeader } from "./layout.ts";

/** An EFI application that unpacks a kernel: where the compressed kernel lies in it. */
export interface ZbootImage {
  /** In bytes, from the file's start; not yet compared with the file's size. */
  readonly payloadOffset: number;
  readonly payloadBytes: number;
  /** As the header names it: `gzip`, `zstd22`. */
  readonly compression: string;
}

/** Where the kernel lies; undefined when `storage` holds no such application. */
export function readZboot(storage: ReadableStorage): ZbootImage | undefined {
  const bytes = new Uint8Array(zbootHeader.sizeBytes);
  if (storage.readAt(bytes, 0) < bytes.length) return undefined;
  const header = zbootHeader.read(bytes);
  if ((header.mz & 0xffff) !== MZ_MAGIC || header.image_type !== ZBOOT_MAGIC) return undefined;
  const name = header.compression_type;
  const end = name.indexOf(0);
  return {
    payloadOffset: header.payload_offset,
    payloadBytes: header.payload_size,
    compression: display(end === -1 ? name : name.subarray(0, end)),
  };
}
