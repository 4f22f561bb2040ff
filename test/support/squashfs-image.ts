/** For tests: squashfs images as `build` makes them. */
import { join } from "node:path";
import { utf8 } from "../../src/bytes/index.ts";
import { FileStorage } from "../../src/host/index.ts";
import { squashfs } from "../../src/operations/writing/squashfs-image.ts";
import { Tree, type Metadata, type Sink } from "../../src/tree/index.ts";
import { fullManifest } from "./ext4-image.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { TreeMaker, xattr } from "./tree-maker.ts";

const SPACES = ["user.", "trusted.", "security."].map(utf8);
const TIME_MAX = 2 ** 32 - 1;

/** An image that a test has written. */
export interface BuiltSquashfs {
  readonly path: string;
  readonly sizeBytes: number;
  readonly warnings: readonly string[];
  /** What kernelManifest should find: all that squashfs can hold. */
  readonly expected: readonly string[];
}

/** Writes an image of what `fill` makes; it is removed with the test. */
export async function buildSquashfs(
  fill: (make: TreeMaker) => void,
  compression?: { readonly name: string; readonly level: number | undefined },
): Promise<BuiltSquashfs> {
  const path = join(temporaryDirectory(), "image.squashfs");
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  using storage = new FileStorage(path, "create");
  const uuid = (): Uint8Array => new Uint8Array(16);
  const plan = { compression, mtimeSeconds: 5 };
  using writer = squashfs(plan, { storage, uuid, warn, signal: undefined });
  const make = new TreeMaker(writer.sink);
  // Without any attribute in a squashfs, listing them is an error.
  make.file(Tree.ROOT, "!", "", { xattrs: [xattr("user.any", "")] });
  fill(make);
  const { sizeBytes } = await writer.finish(make.tree);
  return { path, sizeBytes, warnings, expected: expectedOf(make.tree, writer.sink) };
}

/** Whole seconds of 32 bits, attributes of three namespaces, the root none (nor an owner that nothing else has), no sockets. */
function expectedOf(tree: Tree, sink: Sink): string[] {
  const { inodes } = tree;
  for (let ino = 0; ino < inodes.count; ino++) {
    const kept = stored(inodes.metadata(ino));
    inodes.setMetadata(ino, ino === Tree.ROOT ? { ...kept, uid: 0, gid: 0, xattrs: [] } : kept);
  }
  const lines = fullManifest(tree, sink, { makesLostFound: false });
  return lines.filter((line) => !/^[^|]*\|socket\|/.test(line));
}

function stored(metadata: Metadata): Metadata {
  const seconds = Math.max(0, Math.min(TIME_MAX, metadata.mtime.seconds));
  const xattrs = metadata.xattrs.filter(({ name }) =>
    SPACES.some((space) => Buffer.from(name).subarray(0, space.length).equals(space)),
  );
  return { ...metadata, mtime: { seconds, nanoseconds: 0 }, xattrs };
}
