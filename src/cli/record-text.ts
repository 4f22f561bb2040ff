import type { PackRecord } from "../index.ts";
import { bytesInWords } from "./words.ts";

/** The parts of a packed file, a line each. */
export function recordText({
  kernel,
  initramfs,
  commandLine,
  leastMemoryMiB,
  ...of
}: PackRecord): string {
  return [
    `kernel     ${of.form} for ${of.arch}, ${bytesInWords(kernel.sizeBytes)}, sha256 ${kernel.sha256}\n`,
    `initramfs  ${bytesInWords(initramfs.sizeBytes)}, sha256 ${initramfs.sha256}\n`,
    commandLine === undefined ? "" : `cmdline    ${commandLine}\n`,
    `memory     at least ${leastMemoryMiB} MiB\n`,
  ].join("");
}
