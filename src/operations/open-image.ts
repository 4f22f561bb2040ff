import { resolve } from "node:path";
import { display, sanitise, utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { ImageNode, ImageReader } from "../formats/ext4/index.ts";
import { isSquashfs } from "../formats/squashfs/index.ts";
import { allocatedBytes, FileStorage, statOf } from "../host/index.ts";
import type { PackRecord } from "../kernel/index.ts";
import type { Kind } from "../tree/index.ts";
import type { Context } from "./common/context.ts";
import { type Image, openFileSystem } from "./images/file-system.ts";
import { openInitramfs } from "./initramfs/open-initramfs.ts";
import { isListDirectory, openList } from "./images/open-list.ts";
import { isInitramfs } from "./initramfs/read-initramfs.ts";
import { inspectPacked } from "./packed/inspect-packed.ts";
import { packedInitramfs, packedRecord } from "./packed/packed-file.ts";
import { inspectImage, type Inspection } from "./images/inspect.ts";

/** One name in an image. Names and targets are text for people: other bytes are escaped. */
export interface ListedNode {
  /** Absolute path in the image. */
  readonly path: string;
  readonly name: string;
  readonly kind: Kind;
  /** Permission, setuid, setgid and sticky bits. */
  readonly mode: number;
  readonly links: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** ISO 8601 with nanoseconds, UTC; `@` and seconds since 1970 where no calendar reaches. */
  readonly mtime: string;
  readonly target?: string;
  readonly rdev?: { readonly major: number; readonly minor: number };
}

/** Bytes of one piece of a file that is read. */
const PIECE_BYTES = 1 << 20;

/** An image that is looked into; close it by disposing it. */
export interface OpenedImage extends Disposable {
  /** What is inside, summed up. */
  inspect(): Promise<Inspection>;
  /** A directory's entries, or the file itself; with `recursive` all that is below. */
  list(path: string, options?: { readonly recursive?: boolean }): Iterable<ListedNode>;
  /** A file's bytes in pieces; links are followed inside the image. */
  read(path: string): Iterable<Uint8Array>;
}

/**
 * Opens an image file, or a list's directory; IMAGE_INVALID when it is none that wick knows. Of a
 * packed file it is the initramfs that is looked into; DIGEST_MISMATCH when that is damaged.
 */
export async function openImage(path: string, context: Context): Promise<OpenedImage> {
  const absolute = resolve(context.workingDirectory, path);
  if (isListDirectory(absolute)) {
    const opened = await openList(absolute, context);
    return looked(opened.image, { path: absolute, allocatedBytes: opened.image.sizeBytes }, [
      opened,
    ]);
  }
  checkFile(path, absolute);
  const storage = new FileStorage(absolute, "read");
  try {
    if (isSquashfs(storage)) throw unread(path);
    const options = { name: sanitise(path), signal: context.signal };
    const record = packedRecord(storage);
    const parts =
      record === undefined ? [storage] : await packedInitramfs(storage, record, options);
    const isOne = record !== undefined || isInitramfs(storage);
    const initramfs = isOne ? await openInitramfs(parts, options) : undefined;
    const image = initramfs?.image ?? openFileSystem(storage, sanitise(path));
    const file = { path: absolute, allocatedBytes: allocatedBytes(absolute) };
    const opened = looked(image, file, initramfs === undefined ? [storage] : [initramfs, storage]);
    if (record === undefined) return opened;
    const inspect = async (): Promise<Inspection> => ({
      ...(await opened.inspect()),
      ...(await packedFacts(storage, record, options)),
    });
    return { ...opened, inspect };
  } catch (error) {
    storage[Symbol.dispose]();
    throw error;
  }
}

function checkFile(path: string, absolute: string): void {
  const status = statOf(absolute);
  if (status?.isFile() === true) return;
  const what =
    status === undefined
      ? "there is no such image file"
      : `it is ${status.isDirectory() ? "a directory" : "a device, pipe or socket"}, wanted an image file`;
  throw new WickError("SOURCE_NOT_FOUND", `Cannot open ${sanitise(path)}: ${what}`, {
    hint: "wick build SOURCE -o FILE makes an image of what it is given",
  });
}

function looked(
  image: Image,
  file: { readonly path: string; readonly allocatedBytes: number },
  held: readonly Disposable[],
): OpenedImage {
  return {
    inspect: async () => inspectImage(image, file),
    list: (inside, options = {}) => list(image, inside, options.recursive === true),
    read: (inside) => read(image, inside),
    [Symbol.dispose]: () => {
      for (const each of held) each[Symbol.dispose]();
    },
  };
}

async function packedFacts(
  storage: FileStorage,
  record: PackRecord,
  options: { readonly name: string; readonly signal: AbortSignal | undefined },
): Promise<Pick<Inspection, "packed" | "sizeBytes">> {
  const packed = await inspectPacked(storage, record, options);
  return { sizeBytes: storage.sizeBytes, packed };
}

/** Its contents are compressed whatever they are; its own tools show them. */
function unread(path: string): WickError {
  const shown = sanitise(path);
  return new WickError(
    "UNSUPPORTED",
    `Cannot look into ${shown}: wick boots squashfs and does not read it`,
    {
      hint: `unsquashfs -lln ${shown} lists it, unsquashfs -cat ${shown} FILE prints a file`,
    },
  );
}

function* list(image: ImageReader, path: string, recursive: boolean): Generator<ListedNode> {
  const node = image.lookup(utf8(path));
  const here = path.replace(/\/+$/, "");
  if (node.kind !== "directory") {
    yield listed(image, here === "" ? "/" : here, node);
    return;
  }
  for (const { name, node: child } of image.list(node)) {
    const childPath = `${here.startsWith("/") ? "" : "/"}${here}/${display(name)}`.replace(
      /^\/\//,
      "/",
    );
    yield listed(image, childPath, child);
    if (recursive && child.kind === "directory") yield* below(image, childPath, child);
  }
}

function* below(image: ImageReader, path: string, directory: ImageNode): Generator<ListedNode> {
  for (const { path: inner, node } of image.walk(directory)) {
    yield listed(image, `${path}/${display(inner)}`, node);
  }
}

function listed(image: ImageReader, path: string, node: ImageNode): ListedNode {
  const stat = image.stat(node);
  const { mtime } = stat;
  return {
    path,
    name: path.slice(path.lastIndexOf("/") + 1) || "/",
    kind: stat.kind,
    mode: stat.mode,
    links: stat.nlink,
    uid: stat.uid,
    gid: stat.gid,
    sizeBytes: stat.size,
    mtime: isoTime(mtime.seconds, mtime.nanoseconds),
    ...(stat.kind === "symlink" ? { target: display(image.readlink(node)) } : {}),
    ...(stat.rdev === undefined ? {} : { rdev: stat.rdev }),
  };
}

/** Seconds from 1970 that a Date can be: 100 million days (ECMA-262). EROFS has 64 bits of them. */
const DATE_LIMIT_SECONDS = 8.64e12;

function isoTime(seconds: number, nanoseconds: number): string {
  const fraction = String(nanoseconds).padStart(9, "0");
  if (Math.abs(seconds) > DATE_LIMIT_SECONDS) return `@${seconds}.${fraction}`;
  const whole = new Date(seconds * 1000).toISOString().slice(0, -5);
  return `${whole}.${fraction}Z`;
}

/** Where a kind's own name is no word. */
const KIND_WORDS: Partial<Record<Kind, string>> = {
  char: "character device",
  block: "block device",
  fifo: "FIFO",
};

function* read(image: ImageReader, path: string): Generator<Uint8Array> {
  const node = image.lookup(utf8(path));
  if (node.kind !== "file") {
    throw new WickError(
      "PATH_CONFLICT",
      `Cannot read "${sanitise(path)}" of the image: it is a ${KIND_WORDS[node.kind] ?? node.kind}, wanted a file`,
    );
  }
  const { size } = image.stat(node);
  for (let position = 0; position < size; position += PIECE_BYTES) {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, size - position));
    image.read(node, piece, position);
    yield piece;
  }
}
