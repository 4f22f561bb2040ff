/** shaping/: tree → tree: init, added files, what an application needs to be there. */
export {
  addFile,
  addSymlink,
  appendLine,
  ensureDirectory,
  exists,
  readFile,
  removePath,
  type Attributes,
} from "./files.ts";
export {
  additionTarget,
  addFileStream,
  parseAddition,
  relocated,
  type Addition,
  type Contents,
} from "./add-files.ts";
export {
  INIT_PATH,
  installInit,
  RECORDS_PATH,
  type InitRequest,
  type InstalledInit,
  type ShapingOptions,
} from "./install-init.ts";
export { checkProgram, type ProgramProblem } from "./check-program.ts";
export { likelyExecutables } from "./likely.ts";
