import { splitVariable, type ResolvedProcess } from "../application/index.ts";
import { display, sanitise, type ReadableStorage } from "../bytes/index.ts";
import { isWickError } from "../errors/index.ts";
import {
  identifyElf,
  libraryClosure,
  readElf,
  type ElfFile,
  type LinkedFile,
  type MissingFile,
} from "../formats/elf/index.ts";
import { lookUp, type ProgramProblem } from "./look-up.ts";
import { type ProgramFiles, withoutLinks } from "./program-files.ts";

/** The program that will be started, behind the scripts that name it. */
export interface StartedProgram {
  readonly path: string;
  readonly elf: ElfFile;
  /** What its dynamic linker loads, itself first; none of a static program. */
  readonly libraries: readonly LinkedFile[];
}

/** What a look at a process's program found. */
export interface CheckedProgram {
  readonly problems: readonly ProgramProblem[];
  /** Absent where the problems are such that there is none. */
  readonly program?: StartedProgram;
}

/** What execve(2) looks at to tell what a file is (BINPRM_BUF_SIZE of Linux). */
const HEAD_BYTES = 256;
/** Scripts whose interpreter is a script: Linux follows that many. */
const SCRIPT_DEPTH_MAX = 4;

/**
 * Looks for the process's program as init and the kernel will: argv[0] in the process's PATH,
 * executable, an ELF of `arch` with its interpreter and libraries, or a script with its
 * interpreter. Nothing found wrong is no promise: what the run mounts may matter.
 */
export function checkProgram(
  files: ProgramFiles,
  process: Pick<ResolvedProcess, "argv" | "env" | "directory">,
  { arch }: { readonly arch: string },
): CheckedProgram {
  const name = process.argv[0]!;
  const found = lookUp(files, name, process);
  if ("message" in found) return { problems: [found] };
  const preload = process.env.map(splitVariable).find((one) => one.name === "LD_LIBRARY_PATH");
  const libraryPath = (preload?.value ?? "").split(/[:;]/).filter((part) => part !== "");
  return new Check(files, arch, libraryPath).program(found.path, name, SCRIPT_DEPTH_MAX);
}

/** One look at a program and what it needs. */
class Check {
  readonly #files: ProgramFiles;
  readonly #arch: string;
  readonly #libraryPath: readonly string[];

  constructor(files: ProgramFiles, arch: string, libraryPath: readonly string[]) {
    this.#files = files;
    this.#arch = arch;
    this.#libraryPath = libraryPath;
  }

  program(path: string, name: string, depth: number): CheckedProgram {
    return this.#files.find(path)!.read((contents) => {
      const head = new Uint8Array(HEAD_BYTES);
      const start = head.subarray(0, contents.readAt(head, 0));
      if (start[0] === 0x23 && start[1] === 0x21) return this.#script(start, sanitise(name), depth);
      return this.#binary(contents, { path, shown: sanitise(name) });
    });
  }

  #script(head: Uint8Array, name: string, depth: number): CheckedProgram {
    const line = head.subarray(2, head.includes(0x0a) ? head.indexOf(0x0a) : head.length);
    const interpreter = /^[ \t]*([^ \t\0]+)/.exec(new TextDecoder().decode(line))?.[1] ?? "";
    if (interpreter === "") {
      const hint = "its first line names what runs it, such as #!/bin/sh";
      return problem("not-executable", `the script "${name}" has an empty #! line`, hint);
    }
    if (this.#files.isExecutable(interpreter)) {
      return depth === 0 ? { problems: [] } : this.program(interpreter, interpreter, depth - 1);
    }
    const crlf = interpreter.endsWith("\r") ? " (its line ends in a carriage return)" : "";
    const message = `the script "${name}" needs ${sanitise(interpreter)}, which is not in the image${crlf}`;
    return problem("interpreter", message, scriptHint(interpreter));
  }

  #binary(contents: ReadableStorage, at: { path: string; shown: string }): CheckedProgram {
    const { shown } = at;
    const identity = identifyElf(contents);
    if (identity === undefined) {
      const message = `the program "${shown}" is no ELF file and has no #! line`;
      return problem("not-executable", message, "--entrypoint names what can be started");
    }
    if (identity.architecture !== this.#arch) {
      const message = `the program "${shown}" is for ${identity.architecture}, the machine is ${this.#arch}`;
      return problem("architecture", message, "give --platform, or another build of it");
    }
    try {
      return this.#linked(readElf(contents, { what: `the program "${shown}"` }), at);
    } catch (error) {
      if (!isWickError(error)) throw error;
      return problem("not-executable", error.message, "build or copy it anew: it is damaged");
    }
  }

  #linked(elf: ElfFile, { path, shown }: { path: string; shown: string }): CheckedProgram {
    const own = withoutLinks(this.#files, path);
    const program = { elf, path: own, guestPath: own, code: "IMAGE_INVALID" } as const;
    const { files, missing } = libraryClosure(program, this.#files);
    const linker = missing.find(({ name }) => name === display(elf.interpreter!));
    const problems =
      linker === undefined
        ? missing.filter(({ name }) => !this.#isInLibraryPath(name)).map(libraryProblem)
        : [linkerProblem(linker, shown)];
    return { problems, program: { path, elf, libraries: files } };
  }

  /** LD_LIBRARY_PATH plays no part in the closure. */
  #isInLibraryPath(name: string): boolean {
    return this.#libraryPath.some((part) => this.#files.find(`${part}/${name}`) !== undefined);
  }
}

function problem(kind: ProgramProblem["kind"], message: string, hint: string): CheckedProgram {
  return { problems: [{ kind, message, hint }] };
}

function scriptHint(interpreter: string): string {
  return interpreter === "/bin/sh"
    ? "add --with deb:busybox-static"
    : "--with a package that has it, such as deb:busybox-static for /bin/sh";
}

function linkerProblem({ name }: MissingFile, shown: string): ProgramProblem {
  const message = `the program "${shown}" needs its dynamic linker ${sanitise(name)}, which is not in the image`;
  const hint = "add the C library, or link it statically; bin: brings both linker and libraries";
  return { kind: "interpreter", message, hint };
}

function libraryProblem({ name, neededBy, lookedIn }: MissingFile): ProgramProblem {
  const where = lookedIn.map(sanitise).join(", ");
  const message = `${sanitise(neededBy)} needs ${sanitise(name)}, which the image lacks; looked in ${where}`;
  const hint = "link statically, or bring it with --with or --add; bin: brings libraries itself";
  return { kind: "library", message, hint };
}
