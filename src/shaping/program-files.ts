import { display, type ReadableStorage } from "../bytes/index.ts";
import type { LinkerFile, LinkerRoot } from "../formats/elf/index.ts";
import { findPath, type Ino, type Kind, type Sink, type Tree } from "../tree/index.ts";
import { findQuietly } from "./programs.ts";

/** What a look for programs asks a root file system, be it under way or finished; links followed. */
export interface ProgramFiles extends LinkerRoot {
  /** What is at a path; undefined where there is nothing, links in a circle included. */
  kindOf(path: string): Kind | undefined;
  /** Whether a regular file is there that somebody may execute. */
  isExecutable(path: string): boolean;
  /** The target of the symlink that a path's last name is; undefined where it is none. */
  linkAt(path: string): string | undefined;
}

/** MAXSYMLINKS of Linux (include/linux/namei.h). */
const SYMLINKS_MAX = 40;

/** Where a program's file is: links at its last name are followed, as `$ORIGIN` has them. */
export function withoutLinks(files: ProgramFiles, path: string): string {
  let at = path;
  for (let links = 0; links < SYMLINKS_MAX; links++) {
    const target = files.linkAt(at);
    if (target === undefined) return at;
    at = target.startsWith("/") ? target : `${at.slice(0, at.lastIndexOf("/"))}/${target}`;
  }
  return path;
}

/** The files of a tree that is being made. */
export class TreeFiles implements ProgramFiles {
  readonly #tree: Tree;
  readonly #sink: Sink;

  constructor(tree: Tree, sink: Sink) {
    this.#tree = tree;
    this.#sink = sink;
  }

  kindOf(path: string): Kind | undefined {
    const ino = findQuietly(this.#tree, path);
    return ino < 0 ? undefined : this.#tree.inodes.kind(ino);
  }

  isExecutable(path: string): boolean {
    const ino = findQuietly(this.#tree, path);
    return this.kindOf(path) === "file" && (this.#tree.inodes.mode(ino) & 0o111) !== 0;
  }

  linkAt(path: string): string | undefined {
    try {
      const ino = findPath(this.#tree, path, { follow: "parents" });
      const target = ino < 0 ? undefined : this.#tree.inodes.target(ino);
      return target && display(target);
    } catch {
      return undefined;
    }
  }

  find(path: string): LinkerFile | undefined {
    const ino = findQuietly(this.#tree, path);
    if (ino < 0 || this.#tree.inodes.kind(ino) !== "file") return undefined;
    return { realPath: `inode ${ino}`, read: (use) => use(this.#contents(ino)) };
  }

  list(path: string): readonly string[] {
    const ino = findQuietly(this.#tree, path);
    if (ino < 0 || this.#tree.inodes.kind(ino) !== "directory") return [];
    return this.#tree.list(ino).map(({ name }) => display(name));
  }

  #contents(ino: Ino): ReadableStorage {
    const { inodes } = this.#tree;
    const sizeBytes = inodes.size(ino);
    return {
      sizeBytes,
      readAt: (target, position) => {
        const count = Math.max(0, Math.min(target.length, sizeBytes - position));
        const wanted = target.subarray(0, count);
        if (count > 0) this.#sink.read(inodes.place(ino), wanted, position);
        return count;
      },
    };
  }
}
