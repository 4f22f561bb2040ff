import { join } from "node:path";
import { FileStorage, randomName } from "../host/index.ts";
import { ownDirectory, type StoreLayout } from "./layout.ts";
import { makeTemporary } from "./temporary-file.ts";

/** A temporary file of the store's, appended to and then read by its path; it goes when disposed. */
export interface SpoolFile extends Disposable {
  readonly path: string;
  readonly sizeBytes: number;
  write(chunk: Uint8Array): void;
}

/** Makes a spool, which is ours as long as we live: the next command sweeps what nobody locks. */
export async function makeSpool(layout: StoreLayout): Promise<SpoolFile> {
  ownDirectory(layout.tmp);
  const file = await makeTemporary(() => join(layout.tmp, `wick-${randomName()}.spool`));
  try {
    return spoolIn(file.path, new FileStorage(file.path, "update"), file);
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}

function spoolIn(path: string, storage: FileStorage, file: Disposable): SpoolFile {
  let sizeBytes = 0;
  return {
    path,
    get sizeBytes() {
      return sizeBytes;
    },
    write(chunk) {
      storage.writeAt(chunk, sizeBytes);
      sizeBytes += chunk.length;
    },
    [Symbol.dispose]() {
      storage[Symbol.dispose]();
      file[Symbol.dispose]();
    },
  };
}
