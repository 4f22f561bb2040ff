import { splitVariable, type ResolvedProcess } from "../application/index.ts";
import { sanitise } from "../bytes/index.ts";
import type { ProgramFiles } from "./program-files.ts";

/** Something that will keep the application from starting, seen before anything boots. */
export interface ProgramProblem {
  readonly kind: "missing" | "not-executable" | "architecture" | "interpreter" | "library";
  /** A sentence: what is, what was wanted. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

const HINT = "--entrypoint names another program, --add FILE:PATH brings one";

/** The program that a process names: argv[0] as a path, or the first executable in its PATH. */
export function lookUp(
  files: ProgramFiles,
  name: string,
  { env, directory }: Pick<ResolvedProcess, "env" | "directory">,
): { readonly path: string } | ProgramProblem {
  const PATH = env.map(splitVariable).find((variable) => variable.name === "PATH")?.value;
  const directories = (PATH ?? "").split(":").map((part) => absolute(part, directory));
  const candidates = name.includes("/")
    ? [absolute(name, directory)]
    : directories.map((part) => `${part}/${name}`);
  const path = candidates.find((each) => files.isExecutable(each));
  if (path !== undefined) return { path };
  const present = candidates.find((each) => files.kindOf(each) !== undefined);
  const shown = sanitise(name);
  if (present !== undefined) return notExecutable(shown, present, files.kindOf(present)!);
  const where = name.includes("/") ? "in the image" : `in PATH=${sanitise(PATH ?? "")}`;
  return { kind: "missing", message: `the program "${shown}" is not ${where}`, hint: HINT };
}

/** An empty part of PATH is the working directory. */
function absolute(path: string, directory: string): string {
  return path.startsWith("/") ? path : `${directory}/${path}`;
}

function notExecutable(name: string, path: string, kind: string): ProgramProblem {
  const is = kind === "file" ? "a file without execute permission" : `a ${kind}`;
  const message = `the program "${name}" (${sanitise(path)}) is ${is}`;
  return { kind: "not-executable", message, hint: HINT };
}
