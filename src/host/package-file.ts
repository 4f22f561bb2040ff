import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** wick's own directory: the nearest one above this file with a package.json. */
const root = rootAbove(fileURLToPath(import.meta.url));

function rootAbove(path: string): string {
  const directory = dirname(path);
  if (directory === path || existsSync(join(directory, "package.json"))) return directory;
  return rootAbove(directory);
}

/** A file that comes with wick, the same from src/, from dist/ and from the bundled command. */
export function packageFile(relative: string): string {
  return join(root, relative);
}
