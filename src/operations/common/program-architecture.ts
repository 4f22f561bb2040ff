import { storageOf } from "../../bytes/index.ts";
import { identifyElf } from "../../formats/elf/index.ts";

/** Bytes of a program that say for which processor it is, or who interprets it. */
export const PROGRAM_HEAD_BYTES = 256;

/** The first bytes of the file that a path leads to, links followed; undefined: there is none. */
export type HeadOf = (path: string) => Uint8Array | undefined | Promise<Uint8Array | undefined>;

/** Interpreters of interpreters that Linux follows (fs/exec.c, exec_binprm). */
const INTERPRETERS_MAX = 5;

/**
 * The processor that the program at `path` is for, in the words of `uname -m`: its own, or that
 * of a script's interpreter. Undefined where nothing says so.
 */
export async function programArchitecture(
  path: string,
  headOf: HeadOf,
): Promise<string | undefined> {
  let program: string | undefined = path;
  for (let i = 0; i <= INTERPRETERS_MAX && program !== undefined; i++) {
    const head = await headOf(program);
    if (head === undefined) return undefined;
    const elf = identifyElf(storageOf(head));
    if (elf !== undefined) return elf.architecture;
    program = interpreterOf(head);
  }
  return undefined;
}

function interpreterOf(head: Uint8Array): string | undefined {
  return /^#![ \t]*([^\s\0]+)/.exec(Buffer.from(head).toString("latin1"))?.[1];
}
