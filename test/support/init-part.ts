import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "./temporary-directory.ts";

const init = fileURLToPath(new URL("../../src/guest/init", import.meta.url));

const warnings = ["-Wall", "-Wextra", "-Werror"];

function compile(flags: readonly string[], main: string, names: readonly string[], path: string) {
  const source = fileURLToPath(new URL(`guest/${main}`, import.meta.url));
  const sources = [source, ...names.map((name) => join(init, name))];
  const words = ["-std=c11", ...flags, ...warnings, `-I${init}`, "-o", path, ...sources];
  execFileSync(process.env["CC"] ?? "cc", words);
  return path;
}

/**
 * Some of init's files as a program of this machine's, with `main` (below support/guest) in the
 * place of the rest; built as init is, so that what it is asked needs no machine. Its path.
 */
export function compileInitPart(
  main: string,
  files: readonly string[],
  directory = temporaryDirectory(),
): string {
  const flags = ["-Os", "-ffreestanding", "-nostdlib", "-static", "-fno-builtin"];
  const more = ["-fno-stack-protector", "-fno-pic"];
  return compile([...flags, ...more], main, [...files, "start.S"], join(directory, "part"));
}

/**
 * The same with a C library and the compiler's checks of every access and every sum: it ends with
 * a report and a status of its own where one is wrong. `main` is built with HOSTED.
 */
export function compileCheckedPart(
  main: string,
  files: readonly string[],
  directory = temporaryDirectory(),
): string {
  const checks = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
  const own = files.filter((name) => name !== "copy.c"); // the library has these
  return compile(["-O1", "-g", "-DHOSTED", ...checks], main, own, join(directory, "checked"));
}
