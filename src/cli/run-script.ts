import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Script } from "node:vm";

/** A CommonJS module that was run. */
export interface RunModule {
  readonly file: string;
  readonly script: Script;
  readonly exports: object;
}

/** Where the code that V8 made of a script is kept beside it: `scripts/code-cache.mjs` writes it. */
export const cacheOf = (file: string): string => `${file}.cache`;

/** What a CommonJS module is given (require's own wrapper). */
const HEAD = "(function (exports, require, module, __filename, __dirname) {";

type Wrapped = (
  exports: object,
  require: (id: string) => unknown,
  module: object,
  filename: string,
  directory: string,
) => void;

/**
 * Runs the CommonJS script at `file`, and those beside it that it requires, with the code that V8
 * made of them before: compiling anew takes longer than many a command. Code of another version of
 * V8, or of one with other flags, or none, only costs that time. Gives the modules that were run, to which later
 * ones are added.
 */
export function runScript(file: string): ReadonlyMap<string, RunModule> {
  const modules = new Map<string, RunModule>();
  const native = createRequire(file);
  const load = (path: string): RunModule => modules.get(path) ?? run(path);
  const run = (path: string): RunModule => {
    const directory = dirname(path);
    const require = (id: string): unknown =>
      id.startsWith("./") ? load(join(directory, id)).exports : native(id);
    const module = { file: path, script: compile(path), exports: {} };
    modules.set(path, module);
    const wrapped = module.script.runInThisContext() as Wrapped;
    wrapped(module.exports, require, module, path, directory);
    return module;
  };
  load(file);
  return modules;
}

function compile(file: string): Script {
  const source = `${HEAD}${readFileSync(file, "utf8")}\n})`;
  const cachedData = contentsOf(cacheOf(file));
  return new Script(source, { filename: file, ...(cachedData && { cachedData }) });
}

function contentsOf(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
