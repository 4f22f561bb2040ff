/** For tests: buildah with a storage of its own, so that nothing of the user's is touched. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The environment for a builder whose storage lies in `directory`. */
export function privateBuilder(directory: string): Record<string, string> {
  const file = join(directory, "storage.conf");
  const [root, run] = [join(directory, "storage"), join(directory, "storage-run")];
  mkdirSync(root, { recursive: true });
  // vfs needs no mounts, chroot no runtime and no cgroups: what works in any container.
  const lines = ["[storage]", 'driver = "vfs"', `graphroot = "${root}"`, `runroot = "${run}"`, ""];
  writeFileSync(file, lines.join("\n"));
  return {
    CONTAINERS_STORAGE_CONF: file,
    STORAGE_DRIVER: "vfs",
    BUILDAH_ISOLATION: "chroot",
    WICK_BUILDER: "buildah",
  };
}

/** Runs buildah itself. */
export function buildah(env: Record<string, string>, ...words: string[]): string {
  return execFileSync("buildah", words, {
    encoding: "utf8",
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}
