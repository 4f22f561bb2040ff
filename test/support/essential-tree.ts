/** For tests: a distribution's root file system as its own tool makes it. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { testCache } from "./cli.ts";

/**
 * Debian's essential packages, installed with their scripts by mmdebstrap from the archive that
 * the host itself is configured for; needs root. A tar archive, kept between runs.
 */
export function essentialTree(): string {
  const archive = join(testCache, "mmdebstrap-essential.tar");
  if (existsSync(archive)) return archive;
  mkdirSync(testCache, { recursive: true });
  // Several test files may come here at once.
  const partial = `${archive}.${process.pid}.tar`;
  const options = ["--quiet", "--mode=root", "--variant=essential"];
  execFileSync("mmdebstrap", [...options, suite(), partial, ...aptSources()], { stdio: "pipe" });
  renameSync(partial, archive);
  return archive;
}

/** The host's own release: `bookworm`. */
export function suite(): string {
  const line = '. /etc/os-release && printf %s "$VERSION_CODENAME"';
  return execFileSync("sh", ["-c", line], { encoding: "utf8" });
}

/** The files that say which archives the host's apt uses. */
export function aptSources(): string[] {
  const lists = ["/etc/apt/sources.list", ...sourcesBelow("/etc/apt/sources.list.d")];
  return lists.filter((path) => existsSync(path));
}

function sourcesBelow(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => /\.(list|sources)$/.test(name))
    .map((name) => join(directory, name));
}
