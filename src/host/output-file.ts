import { chmodSync, mkdirSync, utimesSync } from "node:fs";
import { dirname } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { checkFault } from "./faults.ts";
import { FileStorage } from "./file-storage.ts";
import { hostError } from "./host-error.ts";

/** What a file that others read gets when it is whole. */
export interface OutputAttributes {
  /** Permission bits, of which the user's umask takes some. */
  readonly mode: number;
  /** Seconds since 1970. */
  readonly mtime?: number;
}

/** A new file for people, written from its start; directories above it are made. */
export class OutputFile {
  readonly #storage: FileStorage;
  #position = 0;

  constructor(path: string) {
    makeDirectories(dirname(path));
    this.#storage = new FileStorage(path, "create");
  }

  write(bytes: Uint8Array): void {
    this.#storage.writeAt(bytes, this.#position);
    this.#position += bytes.length;
  }

  /** Ends it; disposing alone only lets go of it. */
  finish({ mode, mtime }: OutputAttributes): void {
    const { path } = this.#storage;
    this[Symbol.dispose]();
    try {
      checkFault("write", path);
      chmodSync(path, mode & ~process.umask());
      if (mtime !== undefined) utimesSync(path, mtime, mtime);
    } catch (error) {
      throw hostError(error, `write ${sanitise(path)}`);
    }
  }

  [Symbol.dispose](): void {
    this.#storage[Symbol.dispose]();
  }
}

function makeDirectories(path: string): void {
  try {
    checkFault("mkdir", path);
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw hostError(error, `make the directory ${sanitise(path)}`);
  }
}
