import { splitVariable, type ResolvedProcess } from "../application/index.ts";
import { sanitise } from "../bytes/index.ts";
import type { Tree } from "../tree/index.ts";
import { findQuietly, isExecutable, type FoundProgram } from "./programs.ts";

/** Something that will keep the application from starting, seen before anything boots. */
export interface ProgramProblem {
  readonly kind: "missing" | "not-executable" | "architecture" | "interpreter" | "library";
  /** A sentence: what is, what was wanted. */
  readonly message: string;
  readonly hint?: string;
}

/** The program that a process names: argv[0] as a path, or the first executable in its PATH. */
export function lookUp(
  tree: Tree,
  name: string,
  { env, directory }: Pick<ResolvedProcess, "env" | "directory">,
): FoundProgram | ProgramProblem {
  const PATH = env.map(splitVariable).find((variable) => variable.name === "PATH")?.value;
  const directories = (PATH ?? "").split(":").map((part) => absolute(part, directory));
  const candidates = name.includes("/")
    ? [absolute(name, directory)]
    : directories.map((part) => `${part}/${name}`);
  const inodes = candidates.map((path) => findQuietly(tree, path));
  const first = inodes.findIndex((candidate) => isExecutable(tree, candidate));
  if (first >= 0) return { path: candidates[first]!, ino: inodes[first]! };
  const index = inodes.findIndex((candidate) => candidate >= 0);
  const shown = sanitise(name);
  if (index >= 0) return notExecutable(shown, candidates[index]!, tree.inodes.kind(inodes[index]!));
  const where = name.includes("/") ? "in the image" : `in PATH=${sanitise(PATH ?? "")}`;
  return { kind: "missing", message: `the program "${shown}" is not ${where}` };
}

/** An empty part of PATH is the working directory. */
function absolute(path: string, directory: string): string {
  return path.startsWith("/") ? path : `${directory}/${path}`;
}

function notExecutable(name: string, path: string, kind: string): ProgramProblem {
  const is = kind === "file" ? "a file without execute permission" : `a ${kind}`;
  return { kind: "not-executable", message: `the program "${name}" (${sanitise(path)}) is ${is}` };
}
