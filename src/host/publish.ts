import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { markBeingWritten } from "./being-written.ts";
import { undoAtExit } from "./cleanup.ts";
import { explainFullDisk } from "./disk-full.ts";
import { checkFault } from "./faults.ts";
import { FileStorage } from "./file-storage.ts";
import { statOf } from "./files.ts";
import { hostError } from "./host-error.ts";
import { randomName } from "./temporary.ts";

/** How a finished file is published. */
export interface PublishOptions<T = unknown> {
  /** Permission bits of the finished file; by default what the user's umask leaves of 0666. */
  readonly mode?: number;
  /** Told the temporary's path before it is made; what it gives is disposed when that is gone. */
  readonly claim?: ((temporary: string) => Promise<Disposable>) | undefined;
  /**
   * Whether what was written must survive a power cut, so that the disk is waited for; always by
   * default. Without it a power cut within the next seconds may leave less, as after cp(1).
   */
  readonly mustLast?: (result: T) => boolean;
}

/**
 * Writes a file that is whole or absent: `write` fills a temporary beside it, which is
 * synced and renamed. On any error the temporary goes and the former file stays. A link at
 * `path` stays a link; what is no regular file is USAGE: a rename would take /dev/null away.
 */
export async function publish<T>(
  path: string,
  write: (storage: FileStorage) => T | Promise<T>,
  options: PublishOptions<T> = {},
): Promise<T> {
  const target = checkOutput(path);
  const temporary = join(
    dirname(target),
    `.${shortened(basename(target))}.wick-${randomName()}.tmp`,
  );
  const claim = await options.claim?.(temporary);
  const remove = (): void => rmSync(temporary, { force: true });
  const done = undoAtExit(remove);
  let writing: Disposable | undefined;
  try {
    using storage = new FileStorage(temporary, "create", path);
    writing = markBeingWritten([temporary, target]);
    const result = await write(storage);
    const mustLast = options.mustLast?.(result) ?? true;
    if (mustLast) await storage.sync();
    finish(temporary, target, { mode: options.mode ?? 0o666 & ~process.umask(), mustLast });
    return result;
  } catch (error) {
    const explained = explainFullDisk(error, { path: temporary });
    remove();
    throw hostError(explained, `write ${sanitise(path)}`);
  } finally {
    done();
    writing?.[Symbol.dispose]();
    claim?.[Symbol.dispose]();
  }
}

/**
 * The path that `publish` gives the file for `path`, links resolved, if it can be written there;
 * its errors are told before anything is fetched.
 */
export function checkOutput(path: string): string {
  const target = targetOf(path);
  checkDirectory(target, path);
  return target;
}

/** Where the file goes: what is there now, links resolved, or `path` itself. */
function targetOf(path: string): string {
  const status = statOf(path);
  if (status === undefined) return path;
  refusePlantedLink(path);
  if (status.isFile()) return realpathSync(path);
  const is = status.isDirectory() ? "a directory" : "a device, pipe or socket";
  throw new WickError("USAGE", `Cannot write ${sanitise(path)}: it is ${is}, wanted a file`);
}

/** S_ISVTX and S_IWOTH of a directory that everybody may write into, such as /tmp. */
const STICKY_AND_OPEN = 0o1002;

/**
 * The kernel's own rule for links in such directories (protected_symlinks of
 * Documentation/admin-guide/sysctl/fs.rst), which resolving them here would bypass: only a link
 * of the caller's own or of the directory's owner is followed.
 */
function refusePlantedLink(path: string): void {
  const link = lstatSync(path);
  const directory = statSync(dirname(path));
  const isOpen = (directory.mode & STICKY_AND_OPEN) === STICKY_AND_OPEN;
  if (!link.isSymbolicLink() || !isOpen) return;
  if ([process.getuid?.(), directory.uid].includes(link.uid)) return;
  throw new WickError(
    "PERMISSION",
    `Cannot write ${sanitise(path)}: it is a link that user ${link.uid} made in a directory that everybody may write into`,
    { hint: "remove the link, or write into a directory of your own" },
  );
}

/** Told before anything is fetched or written, and in terms of what the user asked for. */
function checkDirectory(target: string, path: string): void {
  const directory = dirname(target);
  if (statOf(directory)?.isDirectory() === true) return;
  throw new WickError(
    "SOURCE_NOT_FOUND",
    `Cannot write ${sanitise(path)}: there is no directory ${sanitise(directory)}`,
    { hint: "make the directory first, with mkdir -p" },
  );
}

/** Leaves room in a name of at most 255 bytes for what marks a temporary. */
function shortened(name: string): string {
  return Buffer.from(name).subarray(0, 200).toString();
}

function finish(
  temporary: string,
  path: string,
  { mode, mustLast }: { readonly mode: number; readonly mustLast: boolean },
): void {
  chmodSync(temporary, mode);
  checkFault("rename", path);
  renameSync(temporary, path);
  if (mustLast) syncDirectory(dirname(path));
}

/** Makes a rename in `directory` last through a power cut. */
export function syncDirectory(directory: string): void {
  const fd = openSync(directory, "r");
  try {
    checkFault("fsync", directory);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
