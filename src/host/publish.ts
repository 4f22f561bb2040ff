import { chmodSync, closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { undoAtExit } from "./cleanup.ts";
import { checkFault } from "./faults.ts";
import { FileStorage } from "./file-storage.ts";
import { hostError } from "./host-error.ts";
import { randomName } from "./temporary.ts";

/** How a finished file is published. */
export interface PublishOptions {
  /** Permission bits of the finished file; by default what the user's umask leaves of 0666. */
  readonly mode?: number;
}

/**
 * Writes a file that is whole or absent: `write` fills a temporary beside it, which is
 * synced and renamed. On any error the temporary goes and the former file stays.
 */
export async function publish<T>(
  path: string,
  write: (storage: FileStorage) => T | Promise<T>,
  options: PublishOptions = {},
): Promise<T> {
  const temporary = join(dirname(path), `.${basename(path)}.wick-${randomName()}.tmp`);
  const remove = (): void => rmSync(temporary, { force: true });
  const done = undoAtExit(remove);
  try {
    using storage = new FileStorage(temporary, "create");
    const result = await write(storage);
    storage.sync();
    finish(temporary, path, options.mode ?? 0o666 & ~process.umask());
    return result;
  } catch (error) {
    remove();
    throw hostError(error, `write ${sanitise(path)}`);
  } finally {
    done();
  }
}

function finish(temporary: string, path: string, mode: number): void {
  chmodSync(temporary, mode);
  checkFault("rename", path);
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}

/** Makes a rename in `directory` last through a power cut. */
function syncDirectory(directory: string): void {
  const fd = openSync(directory, "r");
  try {
    checkFault("fsync", directory);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
