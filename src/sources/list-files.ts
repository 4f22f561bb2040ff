import { display, sanitise, utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import {
  expandLocation,
  type ListVariables,
  type ReadListEntry,
} from "../formats/initramfs-list/index.ts";
import { type BytePath, type ExactStat, realBytePath, statExactly } from "../host/index.ts";
import { kindOf } from "../tree/index.ts";
import { inLine } from "./in-line.ts";

/** What a list may read of the host. */
export interface ListRules {
  /** Where its relative locations start, absolute. */
  readonly directory: string;
  /** Files anywhere, and not only below the directory or what a variable names. */
  readonly anyFile: boolean;
  readonly variables: ListVariables;
}

/** A file of the host that a list names. */
export interface ListedFile {
  /** Without links on the way or at the end. */
  readonly path: BytePath;
  readonly status: ExactStat;
}

const SLASH = 0x2f;

/**
 * Finds the files of lists. A list may be a stranger's (K3): what lies outside, links followed,
 * is PATH_ESCAPES. What is missing is SOURCE_NOT_FOUND; both name the list and its line.
 */
export class ListFiles {
  readonly #rules: ListRules;
  readonly #where: string;
  readonly #roots: readonly BytePath[];

  /** `where` names the list in errors. */
  constructor(rules: ListRules, where: string) {
    this.#rules = rules;
    this.#where = where;
    const allowed = [utf8("."), ...rules.variables.values()];
    this.#roots = allowed.flatMap((path) => realBytePath(this.#absolute(path)) ?? []);
  }

  /** The regular file that an entry of the kind `file` names. */
  find(entry: ReadListEntry): ListedFile {
    const { line, location } = entry;
    const expanded = expandLocation(location!, this.#rules.variables, (name) => {
      throw this.#error("CONFIG_INVALID", line, `the variable "${display(name)}" has no value`, {
        hint: `give it one: --list-var ${display(name)}=VALUE, or --list-var ${display(name)} for the caller's`,
      });
    });
    const absolute = this.#absolute(expanded);
    const shown = display(absolute);
    const path = this.#real(entry, absolute);
    if (path === undefined) {
      const hint = `relative to ${sanitise(this.#rules.directory)}, unless --list-dir names another directory`;
      throw this.#error("SOURCE_NOT_FOUND", line, `there is no file ${shown}`, { hint });
    }
    if (!this.#rules.anyFile && !this.#isAllowed(path)) throw this.#outside(line, shown);
    const status = statExactly(path);
    if (kindOf(Number(status.mode)) === "file") return { path, status };
    throw this.#error("SOURCE_FAILED", line, `${shown} is no regular file, wanted one`);
  }

  #real(entry: ReadListEntry, path: BytePath): BytePath | undefined {
    return inLine(entry, this.#where, () => realBytePath(path));
  }

  #absolute(path: Uint8Array): BytePath {
    if (path[0] === SLASH) return path;
    return concat(utf8(`${this.#rules.directory}/`), path);
  }

  #isAllowed(path: BytePath): boolean {
    return this.#roots.some((root) => isWithin(path, root));
  }

  #outside(line: number, shown: string): WickError {
    const { directory } = this.#rules;
    return this.#error("PATH_ESCAPES", line, `${shown} lies outside ${sanitise(directory)}`, {
      hint: "if you trust the list: --list-any-file, or --list-dir with a directory that holds it",
    });
  }

  #error(
    code: "CONFIG_INVALID" | "PATH_ESCAPES" | "SOURCE_FAILED" | "SOURCE_NOT_FOUND",
    line: number,
    is: string,
    details: { readonly hint?: string } = {},
  ): WickError {
    return new WickError(code, `Cannot use line ${line} of ${this.#where}: ${is}`, details);
  }
}

/** Whether `path` is `root` or lies below it; both are real paths. */
function isWithin(path: BytePath, root: BytePath): boolean {
  if (Buffer.compare(path.subarray(0, root.length), root) !== 0) return false;
  return path.length === root.length || root.at(-1) === SLASH || path[root.length] === SLASH;
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([a, b]));
}
