/** shaping/: tree → tree: init, added files, what an application needs to be there. */
export { addFile, ensureDirectory, readFile } from "./files.ts";
export {
  additionTarget,
  addFileStream,
  parseAddition,
  relocated,
  rootedAt,
  type Addition,
} from "./add-files.ts";
export { installInit, type InitRequest } from "./install-init.ts";
export { checkProgram, type StartedProgram } from "./check-program.ts";
export { type ProgramFiles, TreeFiles } from "./program-files.ts";
export type { ProgramProblem } from "./look-up.ts";
export { likelyExecutables } from "./likely.ts";
