import { alignUp, utf8 } from "../bytes/index.ts";
import { type CpioFile, encodeCpio } from "../formats/cpio/index.ts";
import { encodeRecords, type InitRecords } from "../guest/index.ts";

interface ArchiveFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What a machine's initramfs is made of. */
export interface InitrdContents {
  /** init's binary: the kernel's first process, stage 1. An image that is an initramfs has its own. */
  readonly init?: Uint8Array;
  /** In load order. */
  readonly modules: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  /** Stage 1's own instructions; the modules are added, behind those that another archive brings. */
  readonly boot: Pick<InitRecords, "root" | "overlay" | "rootWaitMs" | "modules">;
  /** Files of this run alone, such as `.wick/run.rec`; paths without a leading `/`. */
  readonly runFiles: readonly ArchiveFile[];
}

/** Below no directory of an image's: its `lib` may be a link, which replaces no full directory. */
const MODULES = ".wick/modules";

/** Device numbers of /dev/console (Documentation/admin-guide/devices.txt). */
const CONSOLE = { major: 5, minor: 1 } as const;

const NODE = { uid: 0, gid: 0, mtime: 0 } as const;

/**
 * The initramfs of a machine: one archive that is the same for every run, and behind it one
 * with what this run alone sets. The same contents give the same bytes.
 */
export function buildInitrd(contents: InitrdContents): Uint8Array<ArrayBuffer> {
  const base = bootArchive(contents);
  const run = runArchive(contents.runFiles);
  // The kernel finds an uncompressed archive only at a multiple of 4; the writer pads to 512.
  const bytes = new Uint8Array(base.length + run.length);
  bytes.set(base);
  bytes.set(run, base.length);
  return bytes;
}

/** The archive before the image, or before a run's own: modules, and init with its instructions. */
export function bootArchive(contents: Omit<InitrdContents, "runFiles">): Uint8Array<ArrayBuffer> {
  return encodeCpio(baseFiles(contents));
}

/** The archive of one run's files: what is in it replaces what went before. */
export function runArchive(files: readonly ArchiveFile[]): Uint8Array<ArrayBuffer> {
  return encodeCpio(files.map(({ path, bytes }) => file(path, 0o600, bytes)));
}

/** The kernel finds an uncompressed archive only at a multiple of this. */
const ARCHIVE_ALIGNMENT = 4;

/**
 * Where an archive may begin whose forerunner ends at `position`. The kernel's lz4 ends only at
 * four zeros, which stand for an empty block; without them it drops what follows.
 */
export function archiveBehind(
  position: number,
  { isCompressed }: { readonly isCompressed: boolean },
): number {
  return alignUp(position, ARCHIVE_ALIGNMENT) + (isCompressed ? ARCHIVE_ALIGNMENT : 0);
}

/** Parents first: the kernel makes none. */
function baseFiles({ init, modules, boot }: Omit<InitrdContents, "runFiles">): CpioFile[] {
  const paths = modules.map(({ name }) => `${MODULES}/${name}.ko`);
  const load = [...(boot.modules ?? []), ...paths.map((path) => `/${path}`)];
  const records = encodeRecords({ ...boot, modules: load });
  return [
    directory("dev", 0o755),
    // The kernel opens it for init before anything is mounted.
    { ...NODE, path: utf8("dev/console"), kind: "char", mode: 0o600, rdev: CONSOLE },
    directory(".wick", 0o700),
    file(".wick/boot.rec", 0o600, records),
    directory(MODULES, 0o700),
    ...modules.map(({ bytes }, index) => file(paths[index]!, 0o644, bytes)),
    ...(init === undefined ? [] : [file("init", 0o755, init)]),
  ];
}

function directory(path: string, mode: number): CpioFile {
  return { ...NODE, path: utf8(path), kind: "directory", mode };
}

function file(path: string, mode: number, contents: Uint8Array): CpioFile {
  return { ...NODE, path: utf8(path), kind: "file", mode, contents };
}
