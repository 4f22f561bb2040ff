import { accessSync, constants } from "node:fs";
import { isAbsolute, join } from "node:path";
import { WickError } from "../errors/index.ts";
import { statOf } from "./files.ts";

/** Debian's package of each program that wick runs: what the error tells the user to install. */
const packageOf: Readonly<Record<string, string>> = {
  "apt-get": "apt",
  "apt-cache": "apt",
  "qemu-system-x86_64": "qemu-system-x86",
  "qemu-system-aarch64": "qemu-system-arm",
  xz: "xz-utils",
  zstd: "zstd",
  lz4: "lz4",
  bzip2: "bzip2",
  mksquashfs: "squashfs-tools",
  unsquashfs: "squashfs-tools",
  "mkfs.erofs": "erofs-utils",
  flock: "util-linux",
  ip: "iproute2",
};

/** Directories searched after PATH: an ordinary user's PATH often lacks them. */
const SYSTEM_DIRECTORIES = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"] as const;

/**
 * The program's absolute path, or undefined; an absolute name is that already. Relative PATH
 * entries are never searched.
 */
export function findProgram(name: string, path = process.env["PATH"] ?? ""): string | undefined {
  if (isAbsolute(name)) return isProgram(name) ? name : undefined;
  for (const directory of [...path.split(":").filter(isAbsolute), ...SYSTEM_DIRECTORIES]) {
    const candidate = join(directory, name);
    if (isProgram(candidate)) return candidate;
  }
  return undefined;
}

/** The program's absolute path, or an error that names the package to install. */
export function requireProgram(name: string, purpose: string): string {
  const found = findProgram(name);
  if (found !== undefined) return found;
  throw new WickError("TOOL_MISSING", `Cannot ${purpose}: the program ${name} is not installed`, {
    hint: `apt-get install ${packageOf[name] ?? name}`,
  });
}

/** Whether this user can run it; a directory of PATH that he may not enter holds nothing for him. */
function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statOf(path)?.isFile() === true;
  } catch {
    return false;
  }
}
