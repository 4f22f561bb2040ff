/** For tests: everything that can be said about a tree of files, as lines to compare. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { TarReader, type TarLimits } from "../../src/formats/tar/index.ts";
import {
  kindOf,
  MemorySink,
  Tree,
  Unpacker,
  type Ino,
  type Sink,
  type UnpackOptions,
} from "../../src/tree/index.ts";
import { latin1, manifestLine, xattrText } from "./manifest-line.ts";

const SECOND_NS = 1_000_000_000n;

const contentsText = (bytes: Uint8Array): string =>
  `${bytes.length} ${createHash("sha256").update(bytes).digest("hex")}`;

/** Bytes of a file of a tree. */
export function contentsOf(tree: Tree, sink: Sink, ino: Ino): Uint8Array {
  const bytes = new Uint8Array(tree.inodes.size(ino));
  if (bytes.length > 0) sink.read(tree.inodes.place(ino), bytes, 0);
  return bytes;
}

/** An archive unpacked into memory. */
export interface Unpacked {
  readonly tree: Tree;
  readonly sink: MemorySink;
  readonly warnings: string[];
}

/** Reads one archive, or several as layers on top of each other, in chunks of `chunkBytes`. */
export function unpack(
  archives: Uint8Array | readonly Uint8Array[],
  options: Partial<UnpackOptions> & {
    readonly chunkBytes?: number;
    readonly limits?: Partial<TarLimits>;
  } = {},
): Unpacked {
  const { chunkBytes = 65536, limits = {}, ...rest } = options;
  const warnings: string[] = [];
  const tree = new Tree();
  const sink = new MemorySink();
  const unpacker = new Unpacker({ tree, sink, warn: (line) => void warnings.push(line), ...rest });
  for (const bytes of archives instanceof Uint8Array ? [archives] : archives) {
    const reader = new TarReader(unpacker, limits);
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      reader.push(bytes.subarray(at, at + chunkBytes));
    }
    reader.end();
    unpacker.finish();
  }
  return { tree, sink, warnings };
}

/** One line a name: path, kind, mode, owner, mtime, then what its kind has; names as latin-1. */
export function manifestOfTree(tree: Tree, sink: Sink): string[] {
  const groups = new Map<Ino, string>();
  const paths = new Map<Ino, string>([[Tree.ROOT, ""]]);
  const line = (path: string, ino: Ino): string => {
    const { inodes } = tree;
    const kind = inodes.kind(ino);
    const first = groups.get(ino) ?? path;
    groups.set(ino, first);
    return manifestLine({
      path: path === "" ? "/" : path,
      kind,
      mode: inodes.mode(ino),
      uid: inodes.uid(ino),
      gid: inodes.gid(ino),
      mtime: inodes.mtime(ino),
      contents: kind === "file" ? contentsText(contentsOf(tree, sink, ino)) : "",
      target: kind === "symlink" ? latin1(inodes.target(ino)!) : "",
      rdev: inodes.rdev(ino),
      first: first === "" ? "/" : first,
      xattrs: inodes.xattrs(ino).map(xattrText),
    });
  };
  const lines = [line("", Tree.ROOT)];
  for (const { directory, name, ino } of tree.walk()) {
    const path = `${paths.get(directory)!}/${latin1(name)}`;
    paths.set(ino, path);
    lines.push(line(path, ino));
  }
  return lines;
}

/** The same lines for a directory on the host; owners as they are there. */
export function manifestOfDirectory(root: string): string[] {
  const xattrs = xattrsBelow(root);
  const groups = new Map<string, string>();
  const lines: string[] = [];
  const visit = (path: string): void => {
    const full = Buffer.from(root + path, "latin1");
    const stat = lstatSync(full, { bigint: true });
    const kind = kindOf(Number(stat.mode))!;
    const id = `${stat.dev}:${stat.ino}`;
    const first = groups.get(id) ?? path;
    groups.set(id, first);
    const nanoseconds = ((stat.mtimeNs % SECOND_NS) + SECOND_NS) % SECOND_NS;
    const isDevice = kind === "char" || kind === "block";
    lines.push(
      manifestLine({
        path: path === "" ? "/" : path,
        kind,
        mode: Number(stat.mode) & 0o7777,
        uid: stat.uid,
        gid: stat.gid,
        mtime: { seconds: (stat.mtimeNs - nanoseconds) / SECOND_NS, nanoseconds },
        contents: kind === "file" ? contentsText(readFileSync(full)) : "",
        target: kind === "symlink" ? readlinkSync(full, "latin1") : "",
        rdev: isDevice ? { major: majorOf(stat.rdev), minor: minorOf(stat.rdev) } : undefined,
        first: first === "" ? "/" : first,
        xattrs: xattrs.get(root + path) ?? [],
      }),
    );
    if (kind !== "directory") return;
    for (const name of readdirSync(full, "latin1").sort()) visit(`${path}/${name}`);
  };
  visit("");
  return lines;
}

/** gnu_dev_major and gnu_dev_minor of glibc. */
const majorOf = (dev: bigint): bigint => ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
const minorOf = (dev: bigint): bigint => (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);

/** `name=hex` of every path below `root` that has extended attributes, sorted. */
function xattrsBelow(root: string): Map<string, string[]> {
  const args = ["-R", "-P", "-h", "-d", "-m", "-", "-e", "hex", "--absolute-names", "--", root];
  const output = execFileSync("getfattr", args, {
    encoding: "latin1",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const found = new Map<string, string[]>();
  for (const block of output.split("\n\n")) {
    const [first, ...rest] = block.split("\n").filter((line) => line !== "");
    if (first === undefined) continue;
    const path = unescape(first.slice("# file: ".length));
    const values = rest.map((line) => line.replace(/^([^=]*)(?:=0x(.*))?$/, toValue));
    found.set(path, values.sort());
  }
  return found;
}

const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));

const toValue = (_: string, name: string, hex: string | undefined): string =>
  `${unescape(name)}=${hex ?? ""}`;
