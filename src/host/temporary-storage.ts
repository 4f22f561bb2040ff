import { dirname, join } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { explainFullDisk } from "./disk-full.ts";
import { FileStorage } from "./file-storage.ts";
import { temporaryDirectory } from "./temporary.ts";

/** A file without a name: gone with the process that has it open, however that ends. */
export function temporaryStorage(purpose: string): FileStorage {
  // Gone from the directory as soon as it is open: nothing is left behind, whatever happens.
  using directory = temporaryDirectory(purpose);
  return new TemporaryStorage(join(directory.path, "contents"), dirname(directory.path));
}

class TemporaryStorage extends FileStorage {
  readonly #directory: string;

  constructor(path: string, directory: string) {
    super(path, "create", `a temporary file in ${sanitise(directory)}`);
    this.#directory = directory;
  }

  override writeAt(bytes: Uint8Array, position: number): void {
    try {
      super.writeAt(bytes, position);
    } catch (error) {
      const hint = "name a directory on a larger disk with TMPDIR";
      const written = { directory: this.#directory, writtenBytes: this.sizeBytes };
      throw explainFullDisk(error, { ...written, hint });
    }
  }
}
