import { display, utf8 } from "../../bytes/index.ts";
import { Tree, type Ino, type Kind, type Metadata, type Sink } from "../../tree/index.ts";
import { encodeTarHeader, TAR_END, type TarHeader } from "./header-writer.ts";
import { BLOCK } from "./layout.ts";

/** Bytes of one chunk of the archive. */
const CHUNK_BYTES = 1 << 18;

export interface TarWriterOptions {
  /** Whether the root has an entry, `./` (yes). */
  readonly root?: boolean;
  /** Changes what an entry says, where the reader of the archive cannot take it as it is. */
  readonly adapt?: (metadata: Metadata, path: Uint8Array) => Metadata;
  /** Gets a sentence for the user about whatever is left out. */
  readonly warn: (message: string) => void;
}

/**
 * A tree as a tar archive in pax form, in chunks: the root as `./`, parents before children,
 * siblings in byte order, every name once, hard links behind the name they lead to. The same
 * tree gives the same bytes. Holes become zeros.
 */
export function* writeTar(
  tree: Tree,
  sink: Sink,
  options: TarWriterOptions,
): Generator<Uint8Array, void> {
  let chunk = new Uint8Array(CHUNK_BYTES);
  let used = 0;
  for (const piece of new TarPieces(tree, sink, options).pieces()) {
    for (let done = 0; done < piece.length;) {
      const part = piece.subarray(done, done + CHUNK_BYTES - used);
      chunk.set(part, used);
      used += part.length;
      done += part.length;
      if (used < CHUNK_BYTES) continue;
      yield chunk;
      chunk = new Uint8Array(CHUNK_BYTES);
      used = 0;
    }
  }
  yield chunk.subarray(0, used);
}

const SLASH = utf8("/");

/** The archive in pieces, each only lent until the next. */
class TarPieces {
  readonly #tree: Tree;
  readonly #sink: Sink;
  readonly #options: TarWriterOptions;
  readonly #buffer = new Uint8Array(CHUNK_BYTES);
  /** Paths of directories, ending in `/`; the root's is empty. */
  readonly #paths = new Map<Ino, Uint8Array>([[Tree.ROOT, new Uint8Array()]]);
  /** The first path of inodes that have several. */
  readonly #first = new Map<Ino, Uint8Array>();

  constructor(tree: Tree, sink: Sink, options: TarWriterOptions) {
    this.#tree = tree;
    this.#sink = sink;
    this.#options = options;
  }

  *pieces(): Generator<Uint8Array, void> {
    if (this.#options.root !== false) yield* this.#entry(Tree.ROOT, utf8("./"), "directory");
    for (const { directory, name, ino } of this.#tree.walk()) {
      const kind = this.#tree.inodes.kind(ino);
      const path = joined(this.#paths.get(directory)!, name, kind === "directory");
      if (kind === "directory") this.#paths.set(ino, path);
      const first = this.#first.get(ino);
      if (kind === "socket") {
        this.#options.warn(`"/${display(path)}" is left out: an archive holds no sockets`);
      } else if (first !== undefined) yield encodeTarHeader(this.#link(ino, path, first));
      else yield* this.#entry(ino, path, kind);
      if (this.#tree.inodes.nameCount(ino) > 1 && first === undefined) this.#first.set(ino, path);
    }
    yield TAR_END;
  }

  *#entry(ino: Ino, path: Uint8Array, kind: Exclude<Kind, "socket">): Generator<Uint8Array, void> {
    const { inodes } = this.#tree;
    const size = kind === "file" ? inodes.size(ino) : 0;
    yield encodeTarHeader({
      ...this.#metadata(ino, path),
      path,
      type: kind,
      size,
      target: inodes.target(ino),
      rdev: inodes.rdev(ino),
    });
    const place = inodes.place(ino);
    for (let position = 0; position < size;) {
      const piece = this.#buffer.subarray(0, Math.min(this.#buffer.length, size - position));
      this.#sink.read(place, piece, position);
      yield piece;
      position += piece.length;
    }
    if (size % BLOCK > 0) yield TAR_END.subarray(0, BLOCK - (size % BLOCK));
  }

  #link(ino: Ino, path: Uint8Array, target: Uint8Array): TarHeader {
    const metadata = { ...this.#metadata(ino, path), xattrs: [] };
    return { ...metadata, path, type: "hardlink", size: 0, target };
  }

  #metadata(ino: Ino, path: Uint8Array): Metadata {
    const metadata = this.#tree.inodes.metadata(ino);
    return this.#options.adapt?.(metadata, path) ?? metadata;
  }
}

function joined(directory: Uint8Array, name: Uint8Array, isDirectory: boolean): Uint8Array {
  const path = new Uint8Array(directory.length + name.length + (isDirectory ? 1 : 0));
  path.set(directory);
  path.set(name, directory.length);
  if (isDirectory) path.set(SLASH, path.length - 1);
  return path;
}
