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
  const suite = execFileSync("sh", ["-c", '. /etc/os-release && printf %s "$VERSION_CODENAME"'], {
    encoding: "utf8",
  });
  const lists = ["/etc/apt/sources.list", ...sourcesBelow("/etc/apt/sources.list.d")];
  const mirrors = lists.filter((path) => existsSync(path));
  // Several test files may come here at once.
  const partial = `${archive}.${process.pid}.tar`;
  const options = ["--quiet", "--mode=root", "--variant=essential"];
  execFileSync("mmdebstrap", [...options, suite, partial, ...mirrors], { stdio: "pipe" });
  renameSync(partial, archive);
  return archive;
}

function sourcesBelow(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => /\.(list|sources)$/.test(name))
    .map((name) => join(directory, name));
}
