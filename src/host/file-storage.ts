import {
  closeSync,
  constants,
  fstatSync,
  fsync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { promisify } from "node:util";
import { sanitise, type Storage } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { checkFault } from "./faults.ts";
import { hostError } from "./host-error.ts";

/** How a file is opened: `create` refuses an existing one and makes it 0600; `update` wants one. */
export type OpenMode = "read" | "create" | "update";

/** What is read may be named by a stranger: opening a FIFO would wait for its other end. */
const OPEN_FLAGS = {
  read: constants.O_RDONLY | constants.O_NONBLOCK,
  create: "wx+",
  update: "r+",
} as const;
const PRIVATE_FILE = 0o600;

/** A regular file as {@link Storage}: positioned, synchronous reads and writes. */
export class FileStorage implements Storage, Disposable {
  readonly path: string;
  readonly #shownAs: string;
  #fd: number;
  #syncing: Promise<void> | undefined;

  /** `shownAs`: the path that errors name, where the user knows the file by another one. */
  constructor(path: string, mode: OpenMode, shownAs = path) {
    this.path = path;
    this.#shownAs = shownAs;
    this.#fd = this.#act("open", () => openSync(path, OPEN_FLAGS[mode], PRIVATE_FILE));
    if (mode === "read") this.#wantRegular();
  }

  #wantRegular(): void {
    try {
      if (this.#act("stat", () => fstatSync(this.#fd).isFile())) return;
      throw new WickError(
        "SOURCE_FAILED",
        `Cannot read ${sanitise(this.#shownAs)}: it is no regular file, wanted one`,
      );
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Where another thread of this process opens the file, also when it has no name (proc(5)). */
  get ownPath(): string {
    return `/proc/self/fd/${this.#fd}`;
  }

  get sizeBytes(): number {
    return this.#act("stat", () => fstatSync(this.#fd).size);
  }

  readAt(target: Uint8Array, position: number): number {
    return this.#act("read", () => {
      let done = 0;
      while (done < target.length) {
        const count = readSync(this.#fd, target, done, target.length - done, position + done);
        if (count === 0) break;
        done += count;
      }
      return done;
    });
  }

  writeAt(bytes: Uint8Array, position: number): void {
    this.#act("write", () => {
      let done = 0;
      while (done < bytes.length) {
        done += writeSync(this.#fd, bytes, done, bytes.length - done, position + done);
      }
    });
  }

  setSize(sizeBytes: number): void {
    this.#act("write", () => ftruncateSync(this.#fd, sizeBytes));
  }

  /**
   * Lets `make` write the file, which is not there then, and opens what it wrote: a copy into a
   * file that exists is waited for by ext4 when it is closed, and a clone may be a file of its own.
   * When `make` fails the file is empty.
   */
  async remake(make: (path: string) => Promise<void>): Promise<void> {
    closeSync(this.#fd);
    this.#fd = -1;
    this.#act("write", () => rmSync(this.path, { force: true }));
    try {
      await make(this.path);
    } catch (error) {
      rmSync(this.path, { force: true });
      this.#fd = this.#act("open", () => openSync(this.path, OPEN_FLAGS.create, PRIVATE_FILE));
      throw error;
    }
    this.#fd = this.#act("open", () => openSync(this.path, OPEN_FLAGS.update));
  }

  /** Begins to bring to the disk what is written so far, beside other work; `sync` tells how it went. */
  startSync(): void {
    this.#syncing = fsyncBeside(this.#fd, this.path);
    this.#syncing.catch(() => undefined);
  }

  /** Resolves when the disk has it. A sync that failed once proves nothing later on. */
  async sync(): Promise<void> {
    try {
      await this.#syncing;
      this.startSync();
      await this.#syncing;
    } catch (error) {
      throw this.#explained("fsync", error);
    }
  }

  [Symbol.dispose](): void {
    const fd = this.#fd;
    if (fd < 0) return;
    this.#fd = -1;
    const close = (): void => closeSync(fd);
    // A number that is still in use must not be given to another file.
    if (this.#syncing === undefined) close();
    else void this.#syncing.then(close, close);
  }

  #act<T>(call: "open" | "stat" | "read" | "write" | "fsync", action: () => T): T {
    try {
      checkFault(call, this.path);
      return action();
    } catch (error) {
      throw this.#explained(call, error);
    }
  }

  #explained(call: "open" | "stat" | "read" | "write" | "fsync", error: unknown): WickError {
    return hostError(error, `${call === "stat" ? "look at" : call} ${sanitise(this.#shownAs)}`);
  }
}

/** fsync(2) in the thread pool. */
async function fsyncBeside(fd: number, path: string): Promise<void> {
  checkFault("fsync", path);
  await promisify(fsync)(fd);
}
