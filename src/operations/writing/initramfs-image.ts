import type { Compression, ContentPlan } from "../../config/index.ts";
import { writeCpioTree } from "../../formats/cpio/index.ts";
import { temporaryStorage, type FileStorage } from "../../host/index.ts";
import type { SourceContents } from "../../sources/index.ts";
import type { Tree } from "../../tree/index.ts";
import { Appended } from "../initramfs/appended.ts";
import { checkCompressor, compressed } from "./compress.ts";
import type { ImageSummary, ImageWriter, ImageWriterOptions } from "./image-writer.ts";
import { Spool } from "./spooled-image.ts";
import { storageChunks } from "../common/storage-chunks.ts";

/** An initramfs: one newc archive, compressed so that the kernel unpacks it. */
export function initramfs(
  { compression }: Pick<ContentPlan, "compression">,
  options: ImageWriterOptions,
): ImageWriter {
  if (compression !== undefined) checkCompressor(compression);
  const spool = new Spool();
  const { warn } = options;
  return {
    sink: spool.sink,
    async finish(tree, order): Promise<ImageSummary> {
      const archive = (tree: Tree, storage: FileStorage): number =>
        writeArchive(tree, { spool, storage, warn, order });
      const { storage } = options;
      if (compression === undefined) {
        return { inodes: archive(tree, storage), sizeBytes: storage.sizeBytes };
      }
      using plain = temporaryStorage("archive");
      const inodes = archive(tree, plain);
      await compressInto(plain, compression, options);
      return { inodes, sizeBytes: storage.sizeBytes };
    },
    [Symbol.dispose]: () => spool[Symbol.dispose](),
  };
}

interface Target {
  readonly spool: Spool;
  readonly storage: FileStorage;
  readonly warn: (message: string) => void;
  readonly order: SourceContents["order"];
}

function writeArchive(tree: Tree, { spool, storage, warn, order }: Target): number {
  const appended = new Appended(storage);
  const write = (bytes: Uint8Array): void => appended.write(bytes);
  const inodes = writeCpioTree(tree, spool.sink, { write, warn, order });
  appended.flush();
  return inodes;
}

async function compressInto(
  plain: FileStorage,
  compression: Compression,
  { storage, signal }: ImageWriterOptions,
): Promise<void> {
  const appended = new Appended(storage);
  const chunks = storageChunks(plain, { signal });
  for await (const chunk of compressed(chunks, compression, signal)) appended.write(chunk);
  appended.flush();
}
