import type { ResolvedProcess } from "../application/index.ts";
import { display, sanitise, type ReadableStorage } from "../bytes/index.ts";
import { isWickError } from "../errors/index.ts";
import { identifyElf, readElf, type ElfFile } from "../formats/elf/index.ts";
import type { Ino, Sink, Tree } from "../tree/index.ts";
import { readStart } from "./files.ts";
import { lookUp, type ProgramProblem } from "./look-up.ts";
import { findQuietly, isExecutable } from "./programs.ts";

/** What execve(2) looks at to tell what a file is (BINPRM_BUF_SIZE of Linux). */
const HEAD_BYTES = 256;
/** Scripts whose interpreter is a script: Linux follows that many. */
const SCRIPT_DEPTH_MAX = 4;

/**
 * Looks for the process's program in the tree as init and the kernel will: argv[0] in the
 * process's PATH, executable, an ELF of `arch` with its interpreter and libraries, or a script
 * with its interpreter. Nothing found wrong is no promise: what the run mounts may matter.
 */
export function checkProgram(
  tree: Tree,
  sink: Sink,
  process: Pick<ResolvedProcess, "argv" | "env" | "directory">,
  { arch }: { readonly arch: string },
): ProgramProblem[] {
  const name = process.argv[0]!;
  const found = lookUp(tree, name, process);
  if ("message" in found) return [found];
  return new Check(tree, sink, arch).program(found.ino, name, SCRIPT_DEPTH_MAX);
}

/** One look at a program and what it needs. */
class Check {
  readonly #tree: Tree;
  readonly #sink: Sink;
  readonly #arch: string;

  constructor(tree: Tree, sink: Sink, arch: string) {
    this.#tree = tree;
    this.#sink = sink;
    this.#arch = arch;
  }

  program(ino: Ino, name: string, depth: number): ProgramProblem[] {
    const shown = sanitise(name);
    const head = readStart(this.#tree, this.#sink, ino, HEAD_BYTES);
    if (head[0] === 0x23 && head[1] === 0x21) return this.#script(head, shown, depth);
    const storage = storageOfFile(this.#tree, this.#sink, ino);
    const identity = identifyElf(storage);
    if (identity === undefined) {
      const message = `the program "${shown}" is no ELF file and has no #! line`;
      return [{ kind: "not-executable", message }];
    }
    if (identity.architecture !== this.#arch) {
      const message = `the program "${shown}" is for ${identity.architecture}, the machine is ${this.#arch}`;
      return [{ kind: "architecture", message, hint: "give --platform, or another build of it" }];
    }
    return this.#elf(storage, shown);
  }

  #script(head: Uint8Array, name: string, depth: number): ProgramProblem[] {
    const line = head.subarray(2, head.includes(0x0a) ? head.indexOf(0x0a) : head.length);
    const interpreter = /^[ \t]*([^ \t\0]+)/.exec(new TextDecoder().decode(line))?.[1] ?? "";
    if (interpreter === "") {
      return [{ kind: "not-executable", message: `the script "${name}" has an empty #! line` }];
    }
    const ino = findQuietly(this.#tree, interpreter);
    if (isExecutable(this.#tree, ino)) {
      return depth === 0 ? [] : this.program(ino, interpreter, depth - 1);
    }
    const crlf = interpreter.endsWith("\r") ? " (its line ends in a carriage return)" : "";
    const message = `the script "${name}" needs ${sanitise(interpreter)}, which is not in the image${crlf}`;
    return [{ kind: "interpreter", message, ...hintFor(interpreter) }];
  }

  #elf(storage: ReadableStorage, name: string): ProgramProblem[] {
    try {
      const elf = readElf(storage, { what: `the program "${name}"` });
      const { interpreter } = elf;
      if (interpreter === undefined) return [];
      const path = new TextDecoder("latin1").decode(interpreter);
      if (isExecutable(this.#tree, findQuietly(this.#tree, path)))
        return this.#libraries(elf, name);
      const message = `the program "${name}" needs its dynamic linker ${display(interpreter)}, which is not in the image`;
      return [{ kind: "interpreter", message, hint: "add the C library, or link it statically" }];
    } catch (error) {
      if (!isWickError(error)) throw error;
      return [{ kind: "not-executable", message: error.message }];
    }
  }

  /** Only what has nowhere a file of its name is told: where to look is the linker's matter. */
  #libraries(elf: ElfFile, name: string): ProgramProblem[] {
    const needed = elf.dynamic?.needed ?? [];
    const wanted = new Set(needed.map((library) => display(library)));
    if (wanted.size === 0) return [];
    for (const entry of this.#tree.walk()) {
      if (wanted.delete(display(entry.name)) && wanted.size === 0) return [];
    }
    const message = `the program "${name}" needs ${[...wanted].join(", ")}, which the image lacks`;
    return [{ kind: "library", message }];
  }
}

function hintFor(interpreter: string): { readonly hint?: string } {
  return interpreter === "/bin/sh" ? { hint: "add --with deb:busybox-static" } : {};
}

/** A file of the tree as storage. */
function storageOfFile(tree: Tree, sink: Sink, ino: Ino): ReadableStorage {
  const sizeBytes = tree.inodes.size(ino);
  return {
    sizeBytes,
    readAt(target, position) {
      const count = Math.max(0, Math.min(target.length, sizeBytes - position));
      if (count > 0) sink.read(tree.inodes.place(ino), target.subarray(0, count), position);
      return count;
    },
  };
}
