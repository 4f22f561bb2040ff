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
