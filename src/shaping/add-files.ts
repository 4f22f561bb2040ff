import { utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import {
  findPath,
  type Entry,
  type Ino,
  type Layer,
  type LayerVisitor,
  type Sink,
  type Tree,
  type TreePath,
} from "../tree/index.ts";
import { createAt, showPath, type Attributes } from "./files.ts";

/**
 * `--add FILE:PATH`, by the rules of a Dockerfile's COPY:
 * - the last colon splits, so FILE may hold colons; PATH is absolute;
 * - a FILE that is a directory: what is in it goes into PATH, which is made when missing;
 * - a FILE that is a file: into PATH when that ends in `/` or is a directory, else it becomes
 *   PATH itself;
 * - missing parents are made 0755 root; modes are kept, owners become 0:0, times are fixed;
 * - a file or link in the place of a file gives way; a directory there is an error.
 */
export interface Addition {
  /** On the host, as written. */
  readonly file: string;
  /** In the image, as written. */
  readonly path: string;
}

/** Reads `FILE:PATH`; USAGE otherwise. */
export function parseAddition(text: string): Addition {
  const colon = text.lastIndexOf(":");
  const [file, path] = [text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)];
  const refuse = (is: string) =>
    new WickError(
      "USAGE",
      `Cannot add "${showPath(text)}": ${is}, wanted FILE:PATH with an absolute PATH`,
    );
  if (colon < 0) throw refuse("it has no colon");
  if (file === "") throw refuse("FILE is empty");
  if (!path.startsWith("/")) throw refuse(path === "" ? "PATH is empty" : "PATH is relative");
  if (path.includes("\0")) throw refuse("PATH holds a NUL");
  return { file, path };
}

/** Where an addition's file goes, or for a directory what is in it. */
export function additionTarget(
  tree: Tree,
  { file, path }: Addition,
  kind: "file" | "directory",
): string {
  const ino = findPath(tree, path);
  const isDirectory = ino >= 0 && tree.inodes.kind(ino) === "directory";
  if (kind === "directory") {
    if (ino < 0 || isDirectory) return path;
    throw new WickError(
      "PATH_CONFLICT",
      `Cannot add the directory "${showPath(file)}" at "${showPath(path)}": a file is there`,
    );
  }
  if (!isDirectory && !path.endsWith("/")) return path;
  const name = file.split("/").findLast((part) => part !== "" && part !== ".");
  if (name !== undefined && name !== "..") return `${path.replace(/\/+$/, "")}/${name}`;
  throw new WickError(
    "USAGE",
    `Cannot add "${showPath(file)}" into "${showPath(path)}": it has no name of its own`,
    { hint: "write the whole path of the new file" },
  );
}

/** A file whose bytes come in pieces; `sizeBytes` is checked at the end. */
export interface Contents {
  readonly sizeBytes: number;
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** As addFile, for a file too large to hold; a link at the end of `path` gives way. */
export async function addFileStream(
  tree: Tree,
  sink: Sink,
  path: TreePath,
  { sizeBytes, chunks }: Contents,
  attributes: Attributes = {},
): Promise<Ino> {
  const ino = createAt(tree, sink, path, { ...attributes, kind: "file", link: "replace" });
  let size = 0;
  sink.begin();
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > sizeBytes) break;
    if (chunk.length > 0) sink.data(chunk);
  }
  tree.inodes.setContents(ino, { place: sink.end(), size: Math.min(size, sizeBytes) });
  if (size === sizeBytes) return ino;
  const is = size > sizeBytes ? "more" : `${size}`;
  throw new WickError(
    "SOURCE_FAILED",
    `Cannot add "${showPath(path)}": it has ${is} bytes, wanted ${sizeBytes}`,
    { hint: "the file changed while it was read" },
  );
}

/**
 * `layer` as if it lay in the directory `path`: its paths and hard links moved there, owners
 * 0:0, times fixed. Its own root is left out, so a directory at `path` keeps its metadata.
 */
export function relocated(
  layer: Layer,
  path: string,
  { mtimeSeconds = 0 }: { readonly mtimeSeconds?: number } = {},
): Layer {
  const mtime = { seconds: mtimeSeconds, nanoseconds: 0 };
  return moved(layer, (entry) =>
    isRoot(entry.path) ? undefined : { ...placedAt(path, entry), uid: 0, gid: 0, mtime },
  );
}

/** `layer` as it is, owners and times too, but with its root as the directory `path`. */
export function rootedAt(layer: Layer, path: string): Layer {
  return moved(layer, (entry) => placedAt(path, entry));
}

function placedAt(path: string, entry: Entry): Entry {
  return {
    ...entry,
    path: joined(path, entry.path),
    ...(entry.type === "hardlink" && { target: joined(path, entry.target!) }),
  };
}

/** `move` gives the entry that takes an entry's place, or undefined: it is left out. */
function moved(layer: Layer, move: (entry: Entry) => Entry | undefined): Layer {
  return {
    name: layer.name,
    play: (visitor, signal) => layer.play(moving(visitor, move), signal),
  };
}

function moving(visitor: LayerVisitor, move: (entry: Entry) => Entry | undefined): LayerVisitor {
  return {
    entry(entry) {
      const placed = move(entry);
      if (placed !== undefined) visitor.entry(placed);
    },
    data: (chunk) => visitor.data(chunk),
    hole: (lengthBytes) => visitor.hole(lengthBytes),
    endFile: () => visitor.endFile(),
    warn: (message) => visitor.warn(message),
  };
}

/** Whether a path is `.`, `./` or `/`. */
function isRoot(path: Uint8Array): boolean {
  return path.every((byte) => byte === 0x2f || byte === 0x2e) && !path.some(isSecondDot);
}

function isSecondDot(byte: number, index: number, path: Uint8Array): boolean {
  return byte === 0x2e && path[index - 1] === 0x2e;
}

function joined(directory: string, path: Uint8Array): Uint8Array {
  const prefix = utf8(`${directory.replace(/\/+$/, "")}/`);
  const bytes = new Uint8Array(prefix.length + path.length);
  bytes.set(prefix);
  bytes.set(path, prefix.length);
  return bytes;
}
