import { display, utf8 } from "../../bytes/index.ts";
import type { Compression, ContentPlan } from "../../config/index.ts";
import { WickError } from "../../errors/index.ts";
import { readSquashfs, setRoot } from "../../formats/squashfs/index.ts";
import { requireProgram, runTool } from "../../host/index.ts";
import { Tree, type Metadata, type Xattr } from "../../tree/index.ts";
import type { ImageSummary, ImageWriter, ImageWriterOptions } from "./image-writer.ts";
import { Spool } from "./spooled-image.ts";

/** The first mksquashfs that reads tar archives. */
const WANTED = [4, 5] as const;
/** mksquashfs's own 15 costs ten times the time of 3 for a twentieth of the size. */
const DEFAULT_COMPRESSION: Compression = { name: "zstd", level: 3 };
const WITH_LEVEL: ReadonlySet<string> = new Set(["gzip", "lzo", "zstd"]);
/** Times are 32 bits without a sign. */
const TIME_MAX = 2 ** 32 - 1;
const PURPOSE = "write the squashfs";
/** Namespaces of attributes that squashfs has (fs/squashfs/xattr.c). */
const XATTR_SPACES = ["user.", "trusted.", "security."].map(utf8);

/** A squashfs, made by mksquashfs of what is spooled meanwhile. */
export function squashfs(
  plan: Pick<ContentPlan, "compression" | "mtimeSeconds">,
  options: ImageWriterOptions,
): ImageWriter {
  const { storage, warn, signal } = options;
  const compression = compressionWords(plan.compression ?? DEFAULT_COMPRESSION);
  requireProgram("mksquashfs", PURPOSE);
  const spool = new Spool();
  return {
    sink: spool.sink,
    async finish(tree) {
      await checkVersion(signal);
      // Inodes that are not compressed can be set right; they are a hundredth of an image.
      const fixed = ["-", storage.path, "-tar", "-noappend", "-no-progress", "-quiet", "-noI"];
      const time = ["-mkfs-time", String(clamp(plan.mtimeSeconds))];
      const args = [...fixed, ...time, ...compression, ...rootWords(tree, warn)];
      const tool = { name: "mksquashfs", args, purpose: PURPOSE, signal };
      const adapt = (metadata: Metadata, path: Uint8Array) => adapted(metadata, path, warn);
      await spool.feed(tool, tree, { root: false, adapt, warn });
      finishRoot(tree, options);
      return summary(options);
    },
    [Symbol.dispose]: () => spool[Symbol.dispose](),
  };
}

function summary({ storage }: ImageWriterOptions): ImageSummary {
  return { sizeBytes: storage.sizeBytes, inodes: readSquashfs(storage).inodes };
}

function compressionWords({ name, level }: Compression): string[] {
  if (level === undefined) return ["-comp", name];
  if (WITH_LEVEL.has(name)) return ["-comp", name, "-Xcompression-level", String(level)];
  throw new WickError(
    "USAGE",
    `Cannot compress squashfs with "${name},${level}": ${name} has no levels`,
  );
}

async function checkVersion(signal: AbortSignal | undefined): Promise<void> {
  const said = await runTool("mksquashfs", ["-version"], { purpose: PURPOSE, signal });
  const [, major, minor] = /version (\d+)\.(\d+)/.exec(said) ?? [];
  const isOld =
    Number(major) < WANTED[0] || (Number(major) === WANTED[0] && Number(minor) < WANTED[1]);
  if (major === undefined || !isOld) return;
  throw new WickError(
    "UNSUPPORTED",
    `Cannot ${PURPOSE}: mksquashfs is of version ${major}.${minor}, wanted ${WANTED.join(".")} or newer`,
    { hint: "--format erofs needs no tool" },
  );
}

/** mksquashfs passes over an archive's root; of all that it is, an option says the mode alone. */
function rootWords(tree: Tree, warn: (message: string) => void): string[] {
  const { mode, xattrs } = tree.inodes.metadata(Tree.ROOT);
  for (const { name } of xattrs) {
    warn(
      `"/": its extended attribute "${display(name)}" is left out: mksquashfs takes none for it`,
    );
  }
  return ["-root-mode", mode.toString(8)];
}

/** The rest of what the root is, set right in the finished image. */
function finishRoot(tree: Tree, { storage, warn }: ImageWriterOptions): void {
  const { inodes } = tree;
  const { uid, gid, mtime } = inodes.metadata(Tree.ROOT);
  const ids = new Set<number>();
  for (const { ino } of tree.walk()) ids.add(inodes.uid(ino)).add(inodes.gid(ino));
  if (setRoot(storage, { uid, gid, mtimeSeconds: clamp(mtime.seconds), ids })) return;
  warn(`"/": its owner ${uid}:${gid} is left out: nothing else in the image has it`);
}

function adapted(metadata: Metadata, path: Uint8Array, warn: (message: string) => void): Metadata {
  const shown = (): string => `"/${display(path)}"`;
  const { seconds } = metadata.mtime;
  if (seconds !== clamp(seconds)) {
    warn(
      `${shown()}: its time, ${seconds} s from 1970, is moved into the years 1970 to 2106 that squashfs can store`,
    );
  }
  const isKept = ({ name }: Xattr): boolean =>
    XATTR_SPACES.some((space) => Buffer.from(name).subarray(0, space.length).equals(space));
  for (const xattr of metadata.xattrs.filter((one) => !isKept(one))) {
    warn(
      `${shown()}: its extended attribute "${display(xattr.name)}" is left out: squashfs has no such name`,
    );
  }
  // Nothing finer than a second is stored.
  const mtime = { seconds: clamp(seconds), nanoseconds: 0 };
  return { ...metadata, mtime, xattrs: metadata.xattrs.filter(isKept) };
}

function clamp(seconds: number): number {
  return Math.max(0, Math.min(TIME_MAX, seconds));
}
