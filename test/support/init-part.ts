import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "./temporary-directory.ts";

const init = fileURLToPath(new URL("../../src/guest/init", import.meta.url));

/**
 * Some of init's files as a program of this machine's, with `main` (below support/guest) in the
 * place of the rest; built as init is, so that what it is asked needs no machine. Its path.
 */
export function compileInitPart(
  main: string,
  files: readonly string[],
  directory = temporaryDirectory(),
): string {
  const path = join(directory, "part");
  const flags = ["-std=c11", "-Os", "-ffreestanding", "-nostdlib", "-static", "-fno-builtin"];
  const more = ["-fno-stack-protector", "-fno-pic", "-Wall", "-Wextra", "-Werror", `-I${init}`];
  const source = fileURLToPath(new URL(`guest/${main}`, import.meta.url));
  const sources = [source, ...[...files, "start.S"].map((name) => join(init, name))];
  execFileSync(process.env["CC"] ?? "cc", [...flags, ...more, "-o", path, ...sources]);
  return path;
}
