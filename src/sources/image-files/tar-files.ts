import { posix } from "node:path";
import { display, sanitise } from "../../bytes/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import { TarReader } from "../../formats/tar/index.ts";
import { FileStorage } from "../../host/index.ts";
import type { Entry, LayerVisitor } from "../../tree/index.ts";
import type { StoredBlob } from "../image/index.ts";
import type { ImageFiles } from "./image-files.ts";

/** An image has a few files a layer: far more is something else, or meant to hurt. */
const ENTRIES_MAX = 100_000;
/** Links that lead from one to the next. */
const LINKS_MAX = 8;
const BLOCK = 512;
const WINDOW_BYTES = 1 << 16;

/** What an archive has under one name. */
type Found =
  | { readonly type: "file"; readonly offset: number; readonly sizeBytes: number }
  | { readonly type: "symlink" | "hardlink"; readonly target: string }
  | { readonly type: "other" }
  | { readonly type: "twice" };

/**
 * The files of an uncompressed archive, which is read through once, from header to header.
 * `name` is for messages. Errors: ARCHIVE_INVALID, ARCHIVE_LIMIT.
 */
export function tarFiles(path: string, name: string): ImageFiles {
  const names = new ArchiveNames(name);
  try {
    readNames(path, names);
  } catch (error) {
    throw inArchive(error, name);
  }
  return { name, find: (wanted) => names.find(wanted, path) };
}

function readNames(path: string, names: ArchiveNames): void {
  using storage = new FileStorage(path, "read");
  const reader = new TarReader(names, { entries: ENTRIES_MAX });
  const blocks = new Blocks(storage);
  for (let block = blocks.at(0); block.length > 0; block = blocks.at(reader.offset)) {
    names.pending = undefined;
    reader.push(block);
    names.place(reader.offset, reader.passableBytes);
    while (reader.passableBytes > 0) reader.pass();
    if (reader.isAtEnd) break;
  }
  if (reader.offset > storage.sizeBytes)
    throw names.invalid("it is cut off in the middle of a file");
  reader.end();
}

/** Names the archive in an error of the tar reader, which does not know it. */
function inArchive(error: unknown, name: string): unknown {
  if (!isWickError(error, "ARCHIVE_INVALID", "ARCHIVE_LIMIT")) return error;
  if (error.message.includes(name)) return error;
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return new WickError(error.code, `${error.message} (in ${name})`, { cause: error, ...hint });
}

/** Block after block of a file, of which a stretch is read at once. */
class Blocks {
  readonly #storage: FileStorage;
  readonly #window = new Uint8Array(WINDOW_BYTES);
  #start = 0;
  #length = 0;

  constructor(storage: FileStorage) {
    this.#storage = storage;
  }

  at(offset: number): Uint8Array {
    if (offset < this.#start || offset + BLOCK > this.#start + this.#length) {
      this.#start = offset;
      this.#length = this.#storage.readAt(this.#window, offset);
    }
    const at = offset - this.#start;
    return this.#window.subarray(at, Math.min(at + BLOCK, this.#length));
  }
}

/** Notes what stands where; links are followed inside the archive alone (threats A9). */
class ArchiveNames implements LayerVisitor {
  readonly #archive: string;
  readonly #found = new Map<string, Found>();
  /** The file whose header has just been read. */
  pending: { readonly path: string; readonly size: number } | undefined;

  constructor(archive: string) {
    this.#archive = archive;
  }

  entry({ type, path, target, size }: Entry): void {
    const name = cleanName(textOf(path));
    if (type === "directory") return;
    if (type === "file") this.pending = { path: name, size };
    else if (type === "symlink" || type === "hardlink") {
      this.#note(name, { type, target: textOf(target!) });
    } else this.#note(name, { type: "other" });
  }

  /** The pending file's contents begin at `offset`; all of them lie there unless it is sparse. */
  place(offset: number, plainBytes: number): void {
    if (this.pending === undefined) return;
    const { path, size } = this.pending;
    if (plainBytes < size) throw this.invalid(`its file ${sanitise(path)} is sparse`);
    this.#note(path, { type: "file", offset, sizeBytes: size });
  }

  data(): void {}
  hole(): void {}
  endFile(): void {}
  warn(): void {}

  find(wanted: string, archivePath: string): StoredBlob | undefined {
    let name = this.#inside(wanted, wanted);
    for (let links = 0; links <= LINKS_MAX; links++) {
      const found = this.#found.get(name);
      if (found === undefined) return undefined;
      if (found.type === "file") {
        return { path: archivePath, offset: found.offset, sizeBytes: found.sizeBytes };
      }
      if (found.type === "twice") throw this.invalid(`it has ${sanitise(name)} twice`);
      if (found.type === "other") throw this.invalid(`its ${sanitise(name)} is no file`);
      const from = found.type === "symlink" ? posix.dirname(name) : ".";
      name = this.#inside(posix.join(from, found.target), found.target);
    }
    throw new WickError(
      "PATH_LOOP",
      `Cannot use ${this.#archive}: links at ${sanitise(wanted)} lead in a circle`,
    );
  }

  invalid(why: string): WickError {
    return new WickError("ARCHIVE_INVALID", `Cannot use ${this.#archive}: ${why}`);
  }

  #note(name: string, found: Found): void {
    this.#found.set(name, this.#found.has(name) ? { type: "twice" } : found);
  }

  /** `path` below the archive's root; PATH_ESCAPES where it leads out of it. */
  #inside(path: string, shown: string): string {
    const name = cleanName(path);
    if (!shown.startsWith("/") && name !== ".." && !name.startsWith("../")) return name;
    throw new WickError(
      "PATH_ESCAPES",
      `Cannot use ${this.#archive}: "${sanitise(shown.slice(0, 200))}" leads out of it, wanted a file in the archive`,
    );
  }
}

/** `./blobs//x` as `blobs/x`. */
function cleanName(path: string): string {
  return posix.normalize(path).replace(/^\/+|\/+$/g, "");
}

/** Names in image archives are ASCII; any other byte is made visible, and no two names one. */
function textOf(bytes: Uint8Array): string {
  return display(bytes);
}
