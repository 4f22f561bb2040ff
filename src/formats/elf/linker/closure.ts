import type { ErrorCode } from "../../../errors/index.ts";
import { display } from "../../../bytes/index.ts";
import { WickError } from "../../../errors/index.ts";
import { identifyElf } from "../identity.ts";
import { readElf, type ElfFile } from "../reader.ts";
import { configuredDirectories, muslDirectories } from "./configured.ts";
import type { LinkerFile, LinkerRoot } from "./linker-root.ts";
import { directoryOf, nameOf, normalPath } from "./paths.ts";
import { fileIn, sameDirectory, searchDirectories, type SearchDirectory } from "./search-path.ts";

/** A program whose libraries are wanted. */
export interface LinkedProgram {
  readonly elf: ElfFile;
  /** Where it lies in the root, and where in the machine: what `$ORIGIN` follows. */
  readonly path: string;
  readonly guestPath: string;
  /** The code of the error about a file that is damaged. */
  readonly code: ErrorCode;
}

/**
 * What led to a file: a search path of the program's or a library's own; the system's
 * directories; or /etc/ld.so.conf, whose directories are not searched without an ld.so.cache.
 */
export type FoundBy = "own" | "system" | "configured";

/** A file that the program needs: its dynamic linker or a library. */
export interface LinkedFile {
  /** As it was asked for. */
  readonly name: string;
  readonly file: LinkerFile;
  /** As the linker opens it in the machine: absolute, `..` may be on the way. */
  readonly guestPath: string;
  readonly foundBy: FoundBy;
}

/** A file that is needed and nowhere. */
export interface MissingFile {
  readonly name: string;
  /** The path of what asks for it. */
  readonly neededBy: string;
  readonly lookedIn: readonly string[];
}

/** All that a dynamic program loads when it starts. */
export interface LibraryClosure {
  /** In the order of loading, the dynamic linker first; no file twice under one name. */
  readonly files: readonly LinkedFile[];
  readonly missing: readonly MissingFile[];
  /** musl's own list of directories, where the root has one. */
  readonly muslPath: string | undefined;
}

/** Something that is loaded and may itself need more. */
interface Loaded {
  readonly path: string;
  readonly needed: readonly string[];
  readonly skipsSystem: boolean;
  /** Of DT_RUNPATH, or undefined; then those of DT_RPATH count, which also hold for its libraries. */
  readonly runpath: readonly SearchDirectory[] | undefined;
  readonly rpath: readonly SearchDirectory[];
  readonly loader: Loaded | undefined;
}

/** More than any program has; they bound the work that a hostile one makes. */
const FILES_MAX = 4096;
const LOOKS_MAX = 100_000;

/**
 * Finds what the program's dynamic linker would load when it starts, in the linker's own order
 * (breadth first) and by its rules: ld.so(8) of glibc, or for /lib/ld-musl-* musl's dynlink.c.
 * What ld.so.cache would say comes from ld.so.conf; glibc-hwcaps and LD_LIBRARY_PATH play no
 * part. What is opened later by dlopen(3) cannot be seen. Pure: all files come from `root`.
 * Errors: the program's code for a damaged file, ARCHIVE_LIMIT for a program without end.
 */
export function libraryClosure(program: LinkedProgram, root: LinkerRoot): LibraryClosure {
  const { interpreter } = program.elf;
  if (interpreter === undefined) return { files: [], missing: [], muslPath: undefined };
  return new Search(program, root, normalPath(`/${textOf(interpreter, program)}`)).run();
}

/** How musl finds itself under the C library's other names (dynlink.c, `reserved`). */
const MUSL_OWN = /^lib(c|pthread|rt|m|dl|util|xnet)\./;

class Search {
  readonly #program: LinkedProgram;
  readonly #root: LinkerRoot;
  readonly #interpreter: string;
  readonly #isMusl: boolean;
  readonly #muslPath: string | undefined;
  readonly #default: readonly SearchDirectory[];
  readonly #configured: readonly SearchDirectory[];
  readonly #files: LinkedFile[] = [];
  readonly #missing: MissingFile[] = [];
  /** Names under which something is loaded already. */
  readonly #names = new Set<string>();
  /** Real paths of what is loaded: a file is loaded once, whatever it is called. */
  readonly #loaded = new Set<string>();
  #looks = 0;

  constructor(program: LinkedProgram, root: LinkerRoot, interpreter: string) {
    this.#program = program;
    this.#root = root;
    this.#interpreter = interpreter;
    const { architecture } = program.elf.identity;
    this.#isMusl = nameOf(interpreter).startsWith("ld-musl-");
    const muslPath = `/etc/${nameOf(interpreter).replace(/\.so\.\d+$/, "")}.path`;
    const ofMusl = this.#isMusl ? muslDirectories(root, muslPath) : undefined;
    this.#muslPath = ofMusl === undefined ? undefined : muslPath;
    this.#default = this.#isMusl
      ? (ofMusl ?? MUSL_DIRECTORIES).map(sameDirectory)
      : glibcDirectories(architecture).map(sameDirectory);
    const ofSystem = new Set(this.#default.map(({ path }) => path));
    this.#configured = (this.#isMusl ? [] : configuredDirectories(root))
      .filter((path) => !ofSystem.has(path))
      .map(sameDirectory);
  }

  run(): LibraryClosure {
    this.#loadInterpreter();
    const { elf, path, guestPath } = this.#program;
    const queue = [this.#loadedOf(elf, { path, guestPath }, undefined)];
    for (let by = queue.shift(); by !== undefined; by = queue.shift()) {
      for (const name of by.needed) {
        const found = this.#names.has(name) ? undefined : this.#load(name, by);
        if (found !== undefined) queue.push(found);
        if (this.#files.length > FILES_MAX) throw this.#endless(`over ${FILES_MAX} libraries`);
      }
    }
    return { files: this.#files, missing: this.#missing, muslPath: this.#muslPath };
  }

  #loadInterpreter(): void {
    const name = this.#interpreter;
    const file = this.#root.find(name);
    if (file === undefined) {
      const lookedIn = [directoryOf(name)];
      this.#missing.push({ name, neededBy: this.#program.path, lookedIn });
    } else {
      this.#files.push({ name, file, guestPath: name, foundBy: "system" });
      this.#loaded.add(file.realPath);
    }
    this.#names.add(name).add(nameOf(name));
  }

  /** Loads what `by` needs; undefined when it is loaded already, or is nowhere. */
  #load(name: string, by: Loaded): Loaded | undefined {
    this.#names.add(name);
    if (this.#isMusl && MUSL_OWN.test(name)) return undefined;
    const found = this.#find(name, by);
    if (found === undefined) return undefined;
    const { file, at, foundBy } = found;
    const isNew = !this.#loaded.has(file.realPath);
    this.#loaded.add(file.realPath);
    this.#files.push({ name, file, guestPath: at.guestPath, foundBy });
    if (!isNew) return undefined;
    return file.read((contents) => {
      const what = `the library "${at.path}"`;
      const elf = readElf(contents, { what, code: this.#program.code });
      const soname = elf.dynamic?.soname;
      // musl knows a library by the name of its file alone.
      if (soname !== undefined && !this.#isMusl) this.#names.add(display(soname));
      return this.#loadedOf(elf, at, by);
    });
  }

  #find(name: string, by: Loaded) {
    const lookedIn = new Set<string>();
    for (const [directory, foundBy] of this.#places(name, by)) {
      if (++this.#looks > LOOKS_MAX) throw this.#endless(`over ${LOOKS_MAX} places to look at`);
      const at = fileIn(directory, name);
      const file = this.#root.find(at.path);
      if (file !== undefined && this.#fits(file)) return { file, at, foundBy };
      lookedIn.add(directory.path);
    }
    this.#missing.push({ name, neededBy: by.path, lookedIn: [...lookedIn] });
    return undefined;
  }

  /** glibc goes on behind a library of another machine; musl takes the first file of the name. */
  #fits(file: LinkerFile): boolean {
    if (this.#isMusl) return true;
    const { bits, machine } = this.#program.elf.identity;
    const identity = file.read(identifyElf);
    return identity === undefined || (identity.bits === bits && identity.machine === machine);
  }

  /** Where a library of `by`'s is looked for, in order. */
  *#places(name: string, by: Loaded): Generator<readonly [SearchDirectory, FoundBy]> {
    // A name with a slash is a path already; a relative one begins in the working directory, `/`.
    if (name.includes("/")) return yield [sameDirectory(""), "own"];
    for (const directory of this.#ownDirectories(by)) yield [directory, "own"];
    if (by.skipsSystem && !this.#isMusl) return;
    for (const directory of this.#configured) yield [directory, "configured"];
    for (const directory of this.#default) yield [directory, "system"];
  }

  /** DT_RUNPATH counts for the file that has it; DT_RPATH, and with musl both, for its libraries too. */
  *#ownDirectories(by: Loaded): Generator<SearchDirectory> {
    if (!this.#isMusl && by.runpath !== undefined) return yield* by.runpath;
    for (let at: Loaded | undefined = by; at !== undefined; at = at.loader) {
      yield* this.#isMusl ? (at.runpath ?? at.rpath) : at.rpath;
    }
  }

  #loadedOf(elf: ElfFile, at: SearchDirectory, loader: Loaded | undefined): Loaded {
    const { dynamic } = elf;
    const directories = (bytes: Uint8Array): SearchDirectory[] =>
      searchDirectories(textOf(bytes, this.#program), {
        origin: { path: directoryOf(at.path), guestPath: directoryOf(at.guestPath) },
        architecture: elf.identity.architecture,
        isMusl: this.#isMusl,
      });
    const { runpath, rpath } = dynamic ?? {};
    return {
      path: at.path,
      needed: (dynamic?.needed ?? []).map((name) => textOf(name, this.#program)),
      skipsSystem: dynamic?.skipsSystem ?? false,
      runpath: runpath && directories(runpath),
      // Where both are given glibc and musl forget DT_RPATH.
      rpath: rpath === undefined || runpath !== undefined ? [] : directories(rpath),
      loader,
    };
  }

  #endless(what: string): WickError {
    return new WickError(
      "ARCHIVE_LIMIT",
      `Cannot find the libraries of "${this.#program.path}": it needs ${what}`,
    );
  }
}

/** dynlink.c, `sys_path`. */
const MUSL_DIRECTORIES = ["/lib", "/usr/local/lib", "/usr/lib"];

/** Debian's, Fedora's and everybody's: a C library searches some of them (`ld.so --help`). */
function glibcDirectories(architecture: string): string[] {
  const names = [`lib/${architecture}-linux-gnu`, "lib64", "lib"];
  return names.flatMap((name) => [`/${name}`, `/usr/${name}`]);
}

/** Names are bytes; nobody has a library whose name is no text. */
function textOf(bytes: Uint8Array, { path, code }: LinkedProgram): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new WickError(
      code,
      `Cannot find the libraries of "${path}": "${display(bytes)}" is no UTF-8`,
    );
  }
}
