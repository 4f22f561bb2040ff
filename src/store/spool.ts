import { join } from "node:path";
import { FileStorage, randomName, removePath, tryLockFile, undoAtExit } from "../host/index.ts";
import { ownDirectory, type StoreLayout } from "./layout.ts";

/** A temporary file of the store's, appended to and then read by its path; it goes when disposed. */
export interface SpoolFile extends Disposable {
  readonly path: string;
  readonly sizeBytes: number;
  write(chunk: Uint8Array): void;
}

/** Makes a spool, which is ours as long as we live: the next command sweeps what nobody locks. */
export async function makeSpool(layout: StoreLayout): Promise<SpoolFile> {
  ownDirectory(layout.tmp);
  for (;;) {
    const path = join(layout.tmp, `wick-${randomName()}.spool`);
    const lock = await tryLockFile(path, { mode: "exclusive" });
    // A sweeper was faster: it takes this name away.
    if (lock === undefined) continue;
    const done = undoAtExit(() => removePath(path));
    const storage = new FileStorage(path, "update");
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
        removePath(path);
        done();
        lock[Symbol.dispose]();
      },
    };
  }
}
