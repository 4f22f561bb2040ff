import { type FileHandle, open } from "node:fs/promises";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { checkFault } from "./faults.ts";
import { FileStorage } from "./file-storage.ts";
import { READ_CHUNK_BYTES, throwIfAborted } from "./files.ts";
import { hostError } from "./host-error.ts";
import { notRegular, REGULAR_FLAGS } from "./regular-file.ts";

/** A stretch of a file: a blob in an archive, or all of a file that is `sizeBytes` long. */
export interface FileRegion {
  readonly path: string;
  /** Its first byte. */
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Gives the buffer to read the next chunk into, of at most `READ_CHUNK_BYTES`. */
type NextBuffer = (wantedBytes: number) => Uint8Array;

const newBuffer: NextBuffer = (wantedBytes) =>
  Buffer.allocUnsafe(Math.min(wantedBytes, READ_CHUNK_BYTES));

/**
 * Buffers that are used again in turn: a chunk is the receiver's until it has asked for the
 * third one after it. Garbage of this size is only collected when there is very much of it.
 */
export function turningBuffers(chunkBytes: number): NextBuffer {
  const buffers = [0, 1, 2].map(() => Buffer.allocUnsafeSlow(chunkBytes));
  let turn = 0;
  return (wantedBytes) => buffers[turn++ % buffers.length]!.subarray(0, wantedBytes);
}

/**
 * The bytes of a region in order; IO when the file ends before it. The buffers are the
 * receiver's, unless `nextBuffer` says otherwise.
 */
export async function* readRegion(
  { path, offset, sizeBytes }: FileRegion,
  signal?: AbortSignal,
  nextBuffer: NextBuffer = newBuffer,
): AsyncGenerator<Uint8Array> {
  try {
    checkFault("open", path);
    // A stranger's layout may hold links, FIFOs and devices under a blob's name (threats A10).
    await using file = await open(path, REGULAR_FLAGS);
    if (!(await file.stat()).isFile()) throw notRegular(path);
    for (let done = 0; done < sizeBytes;) {
      throwIfAborted(signal);
      const target = { buffer: nextBuffer(sizeBytes - done), position: offset + done };
      const chunk = await readChunk(file, path, target);
      done += chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw hostError(error, `read ${sanitise(path)}`);
  }
}

async function readChunk(
  file: FileHandle,
  path: string,
  { buffer, position }: { readonly buffer: Uint8Array; readonly position: number },
): Promise<Uint8Array> {
  checkFault("read", path);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
  if (bytesRead > 0) return buffer.subarray(0, bytesRead);
  throw new WickError(
    "IO",
    `Cannot read ${sanitise(path)}: it ends at byte ${position}, wanted ${buffer.length} more`,
    { hint: "the file was cut while it was read" },
  );
}

/** The first bytes of a region, fewer only where it is shorter. */
export function readHead({ path, offset, sizeBytes }: FileRegion, count: number): Uint8Array {
  using storage = new FileStorage(path, "read");
  const head = new Uint8Array(Math.min(count, sizeBytes));
  return head.subarray(0, storage.readAt(head, offset));
}

/** All the bytes of a small region; IO when the file ends before it. */
export function readExactRegion({ path, offset, sizeBytes }: FileRegion): Uint8Array {
  const bytes = readHead({ path, offset, sizeBytes }, sizeBytes);
  if (bytes.length === sizeBytes) return bytes;
  throw new WickError(
    "IO",
    `Cannot read ${sanitise(path)}: it ends at byte ${offset + bytes.length}, wanted ${sizeBytes - bytes.length} more`,
  );
}
