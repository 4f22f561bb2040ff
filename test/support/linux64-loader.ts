import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Builds a kernel for QEMU that starts the kernel in its initrd by the 64-bit Linux boot
 * protocol (guest/linux64-loader.S), into `directory`. It lies at 144 MiB, behind what it loads.
 */
export function buildLinux64Loader(directory: string): string {
  const path = join(directory, "linux64-loader");
  const sources = ["S", "c"].map((kind) =>
    fileURLToPath(new URL(`guest/linux64-loader.${kind}`, import.meta.url)),
  );
  const flags = ["-std=gnu11", "-Os", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-nostdlib"];
  const code = ["-static", "-fno-pic", "-fno-stack-protector", "-mgeneral-regs-only"];
  const more = ["-fno-asynchronous-unwind-tables", "-fno-tree-loop-distribute-patterns"];
  const link = [
    "-Wl,-Ttext=0x9000000",
    "-Wl,-n",
    "-Wl,--no-warn-rwx-segments",
    "-Wl,--build-id=none",
  ];
  execFileSync("gcc", [...flags, ...code, ...more, ...link, "-o", path, ...sources]);
  return path;
}
