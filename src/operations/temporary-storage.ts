import { join } from "node:path";
import { FileStorage, temporaryDirectory } from "../host/index.ts";

/** A file without a name: gone with the process that has it open, however that ends. */
export function temporaryStorage(purpose: string): FileStorage {
  // Gone from the directory as soon as it is open: nothing is left behind, whatever happens.
  using directory = temporaryDirectory(purpose);
  return new FileStorage(join(directory.path, "contents"), "create");
}
