import { createHash } from "node:crypto";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { filesBelow, packageFile, statOf } from "../../host/index.ts";
import { version } from "../common/version.ts";

/**
 * Changes whenever the code that writes images may have: wick's version, and in a checkout, where
 * code changes without one, the state of its files.
 */
export function codeIdentity(): string {
  if (statOf(packageFile("src")) === undefined) return version;
  const here = dirname(fileURLToPath(import.meta.url));
  // dist/bin/ has all of it in a few files; else it is dist/ or src/, whichever this is part of.
  const root = basename(here) === "bin" ? here : resolve(here, "../..");
  const hash = createHash("sha256");
  for (const path of filesBelow(root).filter(isCode)) {
    const status = statOf(path);
    hash.update(`${path} ${status?.size} ${status?.mtimeMs}\n`);
  }
  return `${version} ${hash.digest("hex")}`;
}

function isCode(path: string): boolean {
  return /\.c?[jt]s$/.test(path) && !/\.(test|d)\.ts$/.test(path);
}
