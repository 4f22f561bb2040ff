import type { ReadableStorage } from "../../bytes/index.ts";
import { decompress } from "../../compression/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import { CpioImage } from "../../formats/cpio/index.ts";
import { temporaryStorage, type FileStorage } from "../../host/index.ts";
import { Appended } from "./appended.ts";
import { compressionAt } from "./read-initramfs.ts";
import { storageChunks } from "../common/storage-chunks.ts";

/** What one is unpacked to at most, on the disk, to be looked into. */
const UNPACKED_MAX_BYTES = 8 * 2 ** 30;

/** An initramfs that is looked into; disposing it lets go of its unpacked copy. */
export interface OpenedInitramfs extends Disposable {
  readonly image: CpioImage;
}

interface Options {
  /** For messages; safe to print. */
  readonly name: string;
  readonly signal: AbortSignal | undefined;
}

/**
 * Opens an initramfs, part by part: of each archives, and behind them or alone a compressed one.
 * IMAGE_INVALID, IMAGE_LIMIT.
 */
export async function openInitramfs(
  parts: readonly ReadableStorage[],
  options: Options,
): Promise<OpenedInitramfs> {
  const image = new CpioImage();
  const held: Disposable[] = [];
  const release = (): void => {
    for (const each of held) each[Symbol.dispose]();
  };
  try {
    for (const part of parts) {
      const isPlain = compressionAt(part, 0) === "none";
      const position = isPlain ? image.add(part) : 0;
      if (position === undefined) continue;
      const plain = await unpacked(part, position, options);
      held.push(plain);
      if (image.add(plain) !== undefined) throw invalid(options, "other data follows its archives");
    }
    return { image, [Symbol.dispose]: release };
  } catch (error) {
    release();
    throw error;
  }
}

async function unpacked(
  storage: ReadableStorage,
  position: number,
  options: Options,
): Promise<FileStorage> {
  const plain = temporaryStorage("initramfs");
  try {
    const appended = new Appended(plain);
    const chunks = storageChunks(storage, { position, signal: options.signal });
    for await (const chunk of decompress(chunks, options)) {
      if (appended.sizeBytes > UNPACKED_MAX_BYTES) throw tooLarge(options);
      appended.write(chunk);
    }
    appended.flush();
    return plain;
  } catch (error) {
    plain[Symbol.dispose]();
    if (isWickError(error, "COMPRESSION_INVALID")) throw invalid(options, error.message);
    throw error;
  }
}

function invalid({ name }: Options, is: string): WickError {
  return new WickError("IMAGE_INVALID", `Cannot open ${name}: ${is}, wanted an initramfs`);
}

function tooLarge({ name }: Options): WickError {
  return new WickError(
    "IMAGE_LIMIT",
    `Cannot open ${name}: it unpacks to over ${UNPACKED_MAX_BYTES} bytes`,
  );
}
