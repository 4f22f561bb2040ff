import { directoryOf, nameOf } from "./paths.ts";
import type { LinkerRoot } from "./linker-root.ts";

/** No configuration is larger than this: 64 KiB. */
const FILE_MAX_BYTES = 64 << 10;
/** Files that one configuration may include; the real ones have a dozen. */
const FILES_MAX = 1000;
const DIRECTORIES_MAX = 4096;

/**
 * The directories of /etc/ld.so.conf and what it includes, in order. ldconfig makes
 * ld.so.cache of them; they themselves are read since a cache may be older than the files.
 */
export function configuredDirectories(root: LinkerRoot): string[] {
  const seen = new Set<string>();
  const directories: string[] = [];
  // A stack, the next line last, and no recursion: files may include each other at any depth.
  const lines = linesOf(root, "/etc/ld.so.conf", seen).reverse();
  for (let line = lines.pop(); line !== undefined; line = lines.pop()) {
    const [word = "", ...patterns] = line.text.split(/[ \t]+/);
    if (word === "include") {
      const from = line.file;
      const files = patterns.flatMap((pattern) => matching(root, pattern, from));
      for (const included of files.reverse()) {
        for (const each of linesOf(root, included, seen).reverse()) lines.push(each);
      }
    } else if (word !== "hwcap" && line.text.startsWith("/")) {
      // `DIRECTORY=TYPE` is how libc5 and libc6 were told apart.
      directories.push(line.text.replace(/=[^/]*$/, ""));
    }
    if (directories.length === DIRECTORIES_MAX) break;
  }
  return directories;
}

interface Line {
  readonly text: string;
  readonly file: string;
}

function linesOf(root: LinkerRoot, path: string, seen: Set<string>): Line[] {
  const file = root.find(path);
  if (file === undefined || seen.has(file.realPath) || seen.size >= FILES_MAX) return [];
  seen.add(file.realPath);
  return textOf(root, path)
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "")
    .map((text) => ({ text, file: path }));
}

/** The files that a pattern of `include` names; `*` and `?` count in the last name alone. */
function matching(root: LinkerRoot, pattern: string, file: string): string[] {
  const path = pattern.startsWith("/") ? pattern : `${directoryOf(file)}/${pattern}`;
  const name = nameOf(path);
  if (!/[*?]/.test(name)) return [path];
  const parts = name.replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  const expression = new RegExp(`^${parts.replace(/\*+/g, ".*").replaceAll("?", ".")}$`, "s");
  const directory = directoryOf(path);
  return root
    .list(directory)
    .filter((each) => !each.startsWith(".") && expression.test(each))
    .map((each) => `${directory}/${each}`);
}

/** The directories of musl's /etc/ld-musl-ARCH.path; undefined where there is no such file. */
export function muslDirectories(root: LinkerRoot, path: string): string[] | undefined {
  if (root.find(path) === undefined) return undefined;
  return textOf(root, path)
    .split(/[:\n]/)
    .filter((directory) => directory !== "");
}

/** A configuration as text; what is beyond the limit is not looked at. */
function textOf(root: LinkerRoot, path: string): string {
  const bytes = root.find(path)?.read((contents) => {
    const buffer = new Uint8Array(Math.min(contents.sizeBytes, FILE_MAX_BYTES));
    return buffer.subarray(0, contents.readAt(buffer, 0));
  });
  return bytes === undefined ? "" : new TextDecoder().decode(bytes);
}
