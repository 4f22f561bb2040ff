import { posix } from "node:path";
import { sanitise, toSafeNumber, utf8 } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { readExactly, statExactly, throwIfAborted } from "../../host/index.ts";
import type { Layer, LayerVisitor, Metadata } from "../../tree/index.ts";

/** A file of the host and where it goes. */
export interface PlacedFile {
  /** Absolute on the host, no link. */
  readonly hostPath: string;
  /** Absolute in the machine; what a `..` leaves is made a directory, for the kernel to walk. */
  readonly path: string;
}

/** Everybody may read and start it; it is root's. */
const ROOTS = { mode: 0o755, uid: 0, gid: 0, xattrs: [] } as const;

const READ_BYTES = 1 << 20;

/**
 * Files as a layer, root's, all of the time `mtimeSeconds`: two systems with the same packages
 * give the same bytes. One that goes to several places is one file with several names there
 * too: the dynamic linker must not load it twice.
 */
export function placedFilesLayer(
  name: string,
  files: readonly PlacedFile[],
  mtimeSeconds: number,
): Layer {
  const common = { ...ROOTS, mtime: { seconds: mtimeSeconds, nanoseconds: 0 } };
  return {
    name,
    async play(visitor, signal) {
      const first = new Map<string, string>();
      const normal = files.map((file) => ({ ...file, path: posix.normalize(file.path) }));
      for (const directory of leftDirectories(files))
        visitor.entry({ ...common, type: "directory", path: relative(directory), size: 0 });
      for (const file of distinct(normal)) {
        throwIfAborted(signal);
        playFile(file, { common, first: first.get(file.hostPath) }, visitor);
        if (!first.has(file.hostPath)) first.set(file.hostPath, file.path);
      }
    },
  };
}

/** What stands in front of a `..`, except the root; parents first. */
function leftDirectories(files: readonly PlacedFile[]): string[] {
  const left = files.flatMap(({ path }) =>
    Array.from(path.matchAll(/\/\.\.(?=\/)/g), ({ index }) =>
      posix.normalize(path.slice(0, index)),
    ),
  );
  return [...new Set(left)].filter((path) => path !== "/" && path !== ".").sort();
}

/** A file that is to be in one place twice is there once; two files cannot be. */
function distinct(files: readonly PlacedFile[]): readonly PlacedFile[] {
  const byPath = new Map<string, PlacedFile>();
  for (const file of files) {
    const other = byPath.get(file.path) ?? file;
    if (other.hostPath !== file.hostPath) throw sameplace(other, file);
    byPath.set(file.path, file);
  }
  return [...byPath.values()];
}

function sameplace(one: PlacedFile, other: PlacedFile): WickError {
  return new WickError(
    "PATH_CONFLICT",
    `Cannot place ${sanitise(one.hostPath)} and ${sanitise(other.hostPath)}: both would be ${sanitise(one.path)}`,
  );
}

function playFile(
  { hostPath, path }: PlacedFile,
  { common, first }: { readonly common: Metadata; readonly first: string | undefined },
  visitor: LayerVisitor,
): void {
  const status = statExactly(utf8(hostPath));
  const entry = { ...common, path: relative(path), size: 0 };
  if (first !== undefined) {
    visitor.entry({ ...entry, type: "hardlink", target: relative(first) });
    return;
  }
  const size = toSafeNumber(status.size, `the size of ${sanitise(hostPath)}`);
  visitor.entry({ ...entry, type: "file", size });
  const take = (bytes: Uint8Array): void => visitor.data(bytes);
  readExactly(utf8(hostPath), status, new Uint8Array(READ_BYTES), take);
  visitor.endFile();
}

function relative(path: string): Uint8Array {
  return utf8(path.replace(/^\/+/, ""));
}
