import { display, equalBytes, utf8 } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { PATH_MAX, TRAILER } from "./layout.ts";

const SLASH = 0x2f;
const DOT = 0x2e;
const trailer = utf8(TRAILER);

/** The name that an archive holds for `path`: without leading slashes, and one that unpacks as it reads. */
export function archivePath(path: Uint8Array): Uint8Array {
  let start = 0;
  while (path[start] === SLASH) start++;
  const name = path.subarray(start);
  if (name.length === 0 || name.length >= PATH_MAX) {
    throw refused(
      "IMAGE_LIMIT",
      path,
      `${name.length} bytes, the kernel takes 1 to ${PATH_MAX - 1}`,
    );
  }
  if (name.includes(0)) throw refused("ARCHIVE_INVALID", path, "its name holds a zero byte");
  if (equalBytes(name, trailer)) {
    throw refused("IMAGE_LIMIT", path, "that name ends a cpio archive");
  }
  if (leavesRoot(name)) throw refused("PATH_ESCAPES", path, "it holds a component `..`");
  return name;
}

function leavesRoot(name: Uint8Array): boolean {
  for (let i = 0; i + 1 < name.length; i++) {
    const begins = i === 0 || name[i - 1] === SLASH;
    const ends = i + 2 === name.length || name[i + 2] === SLASH;
    if (begins && ends && name[i] === DOT && name[i + 1] === DOT) return true;
  }
  return false;
}

function refused(
  code: "IMAGE_LIMIT" | "ARCHIVE_INVALID" | "PATH_ESCAPES",
  path: Uint8Array,
  why: string,
): WickError {
  const shown = display(path.subarray(0, 100));
  return new WickError(code, `Cannot add "${shown}" to the archive: ${why}`);
}
