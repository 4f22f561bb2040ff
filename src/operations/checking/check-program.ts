import { posix } from "node:path";
import { splitVariable, type ResolvedProcess } from "../../application/index.ts";
import { display, sanitise, type ReadableStorage } from "../../bytes/index.ts";
import { isWickError } from "../../errors/index.ts";
import { type ElfFile, identifyElf, libraryClosure, readElf } from "../../formats/elf/index.ts";
import type { ImageFiles } from "./check-files.ts";
import type { Finding } from "./finding.ts";

/** What a program says of itself, its libraries' words with its own. */
export interface ExaminedProgram {
  readonly path: string;
  readonly isStatic: boolean;
  /** Functions that it and its libraries import. */
  readonly imports: ReadonlySet<string>;
  /** Names of its libraries. */
  readonly libraries: readonly string[];
  /** Which of {@link MARKS} stand among the program's own bytes. */
  readonly mentions: ReadonlySet<string>;
}

/** Texts that a program holds when it means to use what they name. */
const MARKS = ["/etc/resolv.conf", "/etc/passwd", "/etc/ssl/cert", "libnss_", "/proc/"];

/** Scripts whose interpreter is a script: Linux follows that many. */
const SCRIPT_DEPTH_MAX = 4;
const HEAD_BYTES = 256;
const PIECE_BYTES = 1 << 20;
/** Of a program's bytes; no application that belongs into a small machine is larger. */
const SCAN_BYTES = 1 << 30;

/** Looks at the program that a process starts; what would keep it from starting goes to `add`. */
export function examineProgram(
  files: ImageFiles,
  process: Pick<ResolvedProcess, "argv" | "env" | "directory">,
  { arch, add }: { readonly arch: string; readonly add: (finding: Finding) => void },
): ExaminedProgram | undefined {
  const name = process.argv[0]!;
  const path = candidates(name, process).find((each) => files.isExecutable(each));
  if (path === undefined) {
    add({
      severity: "error",
      what: "program",
      message: `the program "${sanitise(name)}" is not in the image, or may not be executed`,
      hint: "--entrypoint names another, --add FILE:PATH brings it",
    });
    return undefined;
  }
  return new Examination(files, { arch, add }).program(path, SCRIPT_DEPTH_MAX);
}

function candidates(
  name: string,
  { env, directory }: Pick<ResolvedProcess, "env" | "directory">,
): string[] {
  if (name.includes("/")) return [posix.resolve(directory, name)];
  const PATH = env.map(splitVariable).find((variable) => variable.name === "PATH")?.value ?? "";
  return PATH.split(":").map((part) => posix.resolve(directory, part, name));
}

class Examination {
  readonly #files: ImageFiles;
  readonly #arch: string;
  readonly #add: (finding: Finding) => void;

  constructor(
    files: ImageFiles,
    { arch, add }: { readonly arch: string; readonly add: (finding: Finding) => void },
  ) {
    this.#files = files;
    this.#arch = arch;
    this.#add = add;
  }

  program(path: string, depth: number): ExaminedProgram | undefined {
    const file = this.#files.find(path)!;
    return file.read((contents) => {
      const head = new Uint8Array(HEAD_BYTES);
      const start = Buffer.from(head.subarray(0, contents.readAt(head, 0))).toString("latin1");
      if (start.startsWith("#!")) return this.#script(start, path, depth);
      return this.#elf(contents, path);
    });
  }

  #script(start: string, path: string, depth: number): ExaminedProgram | undefined {
    const interpreter = /^#![ \t]*([^ \t\n\0]*)/.exec(start)?.[1] ?? "";
    if (interpreter !== "" && this.#files.isExecutable(interpreter)) {
      return depth === 0 ? undefined : this.program(interpreter, depth - 1);
    }
    const hint = "--with a package that has it, such as deb:busybox-static for /bin/sh";
    const message = `the script ${sanitise(path)} needs ${sanitise(interpreter)}, which is not there`;
    this.#add({ severity: "error", what: "interpreter", message, hint });
    return undefined;
  }

  #elf(contents: ReadableStorage, path: string): ExaminedProgram | undefined {
    const shown = sanitise(path);
    const architecture = identifyElf(contents)?.architecture;
    if (architecture !== this.#arch) {
      const is =
        architecture === undefined ? "neither a program nor a script" : `for ${architecture}`;
      const message = `${shown} is ${is}, wanted a program for ${this.#arch}`;
      const hint = "another build of it, or --platform for the other machine";
      this.#add({ severity: "error", what: "architecture", message, hint });
      return undefined;
    }
    try {
      return this.#linked(readElf(contents, { what: shown }), contents, path);
    } catch (error) {
      if (!isWickError(error)) throw error;
      const hint = "build or copy it anew: it is damaged";
      this.#add({ severity: "error", what: "program", message: error.message, hint });
      return undefined;
    }
  }

  #linked(elf: ElfFile, contents: ReadableStorage, path: string): ExaminedProgram {
    const program = { elf, path, guestPath: path, code: "IMAGE_INVALID" } as const;
    const { files, missing } = libraryClosure(program, this.#files);
    for (const { name, neededBy, lookedIn } of missing) {
      const isLinker = name.startsWith("/");
      const message = `${sanitise(neededBy)} needs ${sanitise(name)}, which is not there; looked in ${lookedIn.map(sanitise).join(", ")}`;
      const hint =
        "link statically, or bring it with --with or --add; bin: brings libraries itself";
      this.#add({ severity: "error", what: isLinker ? "interpreter" : "library", message, hint });
    }
    const imports = new Set(elf.imports.map((name) => display(name)));
    for (const { file } of files) {
      file.read((bytes) => readElf(bytes).imports.forEach((name) => imports.add(display(name))));
    }
    return {
      path,
      isStatic: elf.interpreter === undefined,
      imports,
      libraries: files.map(({ name }) => name),
      mentions: mentionsIn(contents),
    };
  }
}

/** Which marks stand in the bytes, read in pieces that lie over each other by a mark's length. */
function mentionsIn(contents: ReadableStorage): Set<string> {
  const found = new Set<string>();
  const piece = Buffer.alloc(PIECE_BYTES);
  const step = PIECE_BYTES - Math.max(...MARKS.map((mark) => mark.length));
  const end = Math.min(contents.sizeBytes, SCAN_BYTES);
  for (let position = 0; position < end; position += step) {
    const bytes = piece.subarray(0, contents.readAt(piece, position));
    for (const mark of MARKS) if (bytes.includes(mark)) found.add(mark);
  }
  return found;
}
