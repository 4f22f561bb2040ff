import { utf8 } from "../../bytes/index.ts";
import { isWickError } from "../../errors/index.ts";
import type { LinkerFile, LinkerRoot } from "../../formats/elf/index.ts";
import {
  type ExactStat,
  FileStorage,
  linkTarget,
  listDirectory,
  statExactly,
} from "../../host/index.ts";
import { kindOf } from "../../tree/index.ts";

/** MAXSYMLINKS of include/linux/namei.h. */
const LINKS_MAX = 40;

/** A directory of the host as the root of a machine: links and `..` stay inside. */
export class HostRoot implements LinkerRoot {
  readonly #directory: string;
  /** Real paths of directories, by the path they were asked for. */
  readonly #directories = new Map<string, string | undefined>();

  /** `directory` is absolute, without links. */
  constructor(directory: string) {
    this.#directory = directory.replace(/\/+$/, "");
  }

  find(path: string): LinkerFile | undefined {
    const slash = path.lastIndexOf("/");
    const directory = this.#directoryAt(path.slice(0, slash));
    if (directory === undefined) return undefined;
    const realPath = this.#walk(path.slice(slash + 1), directory);
    if (realPath === undefined || this.#kind(realPath) !== "file") return undefined;
    return {
      realPath,
      read: (use) => {
        using storage = new FileStorage(this.onHost(realPath), "read");
        return use(storage);
      },
    };
  }

  list(path: string): readonly string[] {
    const directory = this.#directoryAt(path);
    if (directory === undefined) return [];
    return listDirectory(this.onHost(directory)).map(({ name }) => name);
  }

  /** The host's name of a path of the root. */
  onHost(path: string): string {
    return `${this.#directory}${path}`;
  }

  /** The root's name of a real path of the host; undefined outside. */
  inRoot(hostPath: string): string | undefined {
    return hostPath.startsWith(`${this.#directory}/`)
      ? hostPath.slice(this.#directory.length)
      : undefined;
  }

  #directoryAt(path: string): string | undefined {
    if (!this.#directories.has(path)) {
      const found = this.#walk(path, "");
      const isDirectory = found !== undefined && this.#kind(found) === "directory";
      this.#directories.set(path, isDirectory ? found : undefined);
    }
    return this.#directories.get(path);
  }

  /** Follows `path` from a directory without links; undefined where it leads nowhere. */
  #walk(path: string, from: string): string | undefined {
    const pending = path.split("/").reverse();
    let at = from;
    for (let links = 0; pending.length > 0;) {
      const name = pending.pop()!;
      if (name === "" || name === ".") continue;
      if (name === "..") {
        at = at.slice(0, Math.max(0, at.lastIndexOf("/")));
        continue;
      }
      const next = `${at}/${name}`;
      const kind = this.#kind(next);
      if (kind === undefined) return undefined;
      if (kind !== "symlink") {
        at = next;
        continue;
      }
      if (++links > LINKS_MAX) return undefined;
      const target = new TextDecoder().decode(linkTarget(utf8(this.onHost(next))));
      if (target.startsWith("/")) at = "";
      pending.push(...target.split("/").reverse());
    }
    return at;
  }

  #kind(path: string) {
    const status = statusOf(this.onHost(path === "" ? "/" : path));
    return status === undefined ? undefined : kindOf(Number(status.mode));
  }
}

/** The linker goes on where it may not look, or where a name is longer than names can be. */
function statusOf(path: string): ExactStat | undefined {
  if (path.includes("\0")) return undefined;
  try {
    return statExactly(utf8(path));
  } catch (error) {
    if (isWickError(error, "SOURCE_NOT_FOUND", "PERMISSION", "USAGE")) return undefined;
    throw error;
  }
}
