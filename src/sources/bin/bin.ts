import { basename, posix } from "node:path";
import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import {
  libraryClosure,
  type LibraryClosure,
  type LinkedFile,
  type MissingFile,
} from "../../formats/elf/index.ts";
import { FileStorage, realPath, statOf } from "../../host/index.ts";
import type { Layer } from "../../tree/index.ts";
import type { Source, SourceContents } from "../source.ts";
import { HostRoot } from "./host-root.ts";
import { type PlacedFile, placedFilesLayer } from "./placed-files.ts";
import { readProgram } from "./program.ts";

/** What the kernel starts of an initramfs. */
const FIRST_PROCESS = "/init";

/** How a program is taken. */
export interface BinOptions {
  /** The machine's. */
  readonly architecture: string;
  /** Where a dynamic program's libraries are, absolute; by default the host's `/`. */
  readonly rootDirectory?: string | undefined;
  /** Where it goes in the machine, absolute; by default `/usr/bin/NAME`. */
  readonly programPath?: string | undefined;
  /** The time that its files get, seconds since 1970; 0 by default. */
  readonly mtimeSeconds?: number | undefined;
}

/**
 * One program of the host: a static one alone, a dynamic one with its dynamic linker and the
 * libraries that it loads when it starts. Errors: SOURCE_NOT_FOUND also for a library that is
 * nowhere, SOURCE_FAILED for what is no program, USAGE for another machine's.
 */
export function binSource(reference: string, path: string, options: BinOptions): Source {
  return {
    reference,
    async open() {
      const real = programFile(path, sanitise(reference));
      const root = new HostRoot(rootOf(options.rootDirectory ?? "/"));
      const guestPath = options.programPath ?? `/usr/bin/${basename(path)}`;
      const closure = closureOf(real, { root, guestPath, shown: sanitise(reference), options });
      const files = filesOf(real, { root, guestPath, closure });
      const layer = placedFilesLayer(sanitise(reference), files, options.mtimeSeconds ?? 0);
      return contentsOf(layer, guestPath, files);
    },
  };
}

/** The program itself, links followed. */
function programFile(path: string, shown: string): string {
  const status = statOf(path);
  const real = status === undefined ? undefined : realPath(path);
  if (status === undefined || real === undefined) {
    throw new WickError("SOURCE_NOT_FOUND", `Cannot use ${shown}: there is no such file`, {
      hint: "a path is relative to the current directory",
    });
  }
  if (status.isFile()) return real;
  const is = status.isDirectory() ? "a directory" : "no regular file";
  const hint = status.isDirectory() ? { hint: `for a directory: dir:${sanitise(path)}` } : {};
  throw new WickError("SOURCE_FAILED", `Cannot use ${shown}: ${is}, wanted a program`, hint);
}

function rootOf(directory: string): string {
  const real = realPath(directory);
  if (real !== undefined && statOf(real)?.isDirectory() === true) return real;
  throw new WickError(
    "SOURCE_NOT_FOUND",
    `Cannot look for libraries in ${sanitise(directory)}: there is no such directory`,
    { hint: "--root-dir names the root of a system that has them" },
  );
}

interface Search {
  readonly root: HostRoot;
  readonly guestPath: string;
  readonly shown: string;
  readonly options: BinOptions;
}

function closureOf(real: string, { root, guestPath, shown, options }: Search): LibraryClosure {
  using storage = new FileStorage(real, "read", shown);
  const elf = readProgram(storage, shown, options.architecture);
  const path = root.inRoot(real) ?? guestPath;
  const closure = libraryClosure({ elf, path, guestPath, code: "SOURCE_FAILED" }, root);
  const [missing] = closure.missing;
  if (missing !== undefined) throw missingFile(missing, { shown, path, root });
  return closure;
}

function missingFile(
  { name, neededBy, lookedIn }: MissingFile,
  { shown, path, root }: { readonly shown: string; readonly path: string; readonly root: HostRoot },
): WickError {
  const by = neededBy === path ? "it" : sanitise(root.onHost(neededBy));
  const where = lookedIn.map((directory) => sanitise(root.onHost(directory))).join(", ");
  return new WickError(
    "SOURCE_NOT_FOUND",
    `Cannot use ${shown}: ${by} needs ${sanitise(name)}, which is not there; looked in ${where}`,
    { hint: "install it, give --root-dir DIR with a system that has it, or link statically" },
  );
}

interface Found {
  readonly root: HostRoot;
  readonly guestPath: string;
  readonly closure: LibraryClosure;
}

/** The program first, then what it needs. */
function filesOf(real: string, { root, guestPath, closure }: Found): PlacedFile[] {
  const { files, muslPath } = closure;
  const isFirst = guestPath === FIRST_PROCESS;
  const path = muslPath === undefined ? undefined : root.find(muslPath)?.realPath;
  return [
    { hostPath: real, path: guestPath },
    ...files.flatMap((file) => placesOf(file, closure, { root, isFirst })),
    ...(path === undefined ? [] : [{ hostPath: root.onHost(path), path: muslPath! }]),
  ];
}

/**
 * What only /etc/ld.so.conf led to would not be found in the machine, which has no ld.so.cache;
 * nor what $ORIGIN led to where the program is process 1 and there is no /proc to tell it. It
 * gets a second name in a directory that the linker searches by itself: that of the C library,
 * or where nothing was found in such a one beside the linker.
 */
function placesOf(
  { name, file, guestPath, foundBy }: LinkedFile,
  { files }: LibraryClosure,
  { root, isFirst }: { readonly root: HostRoot; readonly isFirst: boolean },
): PlacedFile[] {
  const hostPath = root.onHost(file.realPath);
  const place = { hostPath, path: guestPath };
  const isSure = foundBy === "system" || (foundBy === "own" && !isFirst) || name.includes("/");
  if (isSure) return [place];
  const searched = files.slice(1).find((other) => other.foundBy === "system") ?? files[0]!;
  return [place, { hostPath, path: `${posix.dirname(searched.guestPath)}/${name}` }];
}

function contentsOf(layer: Layer, guestPath: string, files: readonly PlacedFile[]): SourceContents {
  return {
    layers: [layer],
    config: { Entrypoint: [guestPath] },
    // Only reading all of it would tell whether it is what it was.
    identity: undefined,
    parts: files.map(({ hostPath, path }) => ({
      name: sanitise(path.slice(1)),
      sizeBytes: statOf(hostPath)?.size ?? 0,
    })),
  };
}
