import { isAbsolute, join, resolve } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { statOf } from "../host/index.ts";
import { dockerfileIn } from "./dockerfile/index.ts";
import { type FileKind, lookAtFile } from "./file-kind.ts";
import type { ParsedSource, ParseOptions, PathKind } from "./parsed-source.ts";

/** Ends of names that are files and never images of a registry. */
const FILE_SUFFIX =
  /\.(ext4|img|raw|erofs|squashfs|sqfs|cpio|image|vmlinux|bz[iI]mage|tar|tgz|tzst|txz|tbz2?|qcow2|deb|gz|zst|xz|bz2|lz4)$/;

/** Whether a bare word is a file by its name. */
export function isPath(text: string): boolean {
  return FILE_SUFFIX.test(text);
}

export function absolutePath(path: string, cwd: string): string {
  return isAbsolute(path) ? path : resolve(cwd, path);
}

/**
 * `PATH[:TAG]`: the shortest beginning of the text, up to a colon, that is a file's path; `-`
 * is the standard input. What does not exist at all is a path without a tag.
 */
export function splitTag(text: string, cwd: string): { rest: string; tag?: string } {
  const whole = absolutePath(text, cwd);
  if (text === "-" || statOf(whole) !== undefined) return { rest: text === "-" ? text : whole };
  for (let at = text.indexOf(":", 1); at > 0; at = text.indexOf(":", at + 1)) {
    const path = text.slice(0, at);
    const rest = path === "-" ? path : absolutePath(path, cwd);
    if (path !== "-" && statOf(rest) === undefined) continue;
    const tag = text.slice(at + 1);
    if (tag === "") break;
    return { rest, tag };
  }
  return { rest: whole };
}

/** Looks at what lies at a path, whatever it is called. */
export function parsePath(text: string, { cwd, hasDockerfile }: ParseOptions): ParsedSource {
  const rest = absolutePath(text, cwd);
  const shown = sanitise(text);
  const status = statOf(rest);
  if (status === undefined) {
    throw new WickError("SOURCE_NOT_FOUND", `Cannot use ${shown}: there is no such file`, {
      hint: "a path is relative to the current directory",
    });
  }
  if (status.isDirectory()) {
    return { kind: kindOfDirectory(rest, hasDockerfile === true), rest, reference: text };
  }
  if (!status.isFile()) {
    throw new WickError(
      "SOURCE_FAILED",
      `Cannot use ${shown}: neither a regular file nor a directory`,
      { hint: "an archive from a pipe: tar:-" },
    );
  }
  const kind = kindOfFile(lookAtFile(rest), shown);
  return { kind, rest, reference: text, ...(kind === "tar" ? { isGuess: true } : {}) };
}

/** Whether a directory is a bundle of wick's, whatever state its files are in. */
export function isBundle(directory: string): boolean {
  return ["manifest.json", "run-qemu.sh"].every(
    (name) => statOf(join(directory, name))?.isFile() === true,
  );
}

function kindOfDirectory(path: string, hasDockerfile: boolean): PathKind {
  if (hasDockerfile) return "dockerfile";
  if (isBundle(path)) return "bundle";
  if (statOf(join(path, "oci-layout"))?.isFile() === true) return "oci";
  return dockerfileIn(path) === undefined ? "dir" : "dockerfile";
}

/** What a file that is not understood is, for the error. */
const foreign: Readonly<Partial<Record<FileKind, string>>> = {
  deb: "a Debian package",
  qcow2: "a qcow2 disk",
};

/** A compressed file whose name says that it is an initramfs; others must be looked into. */
const INITRAMFS = /\.cpio(\.[a-z0-9]+)?$/;

const HINT = "write deb:nginx-light, dir:./rootfs, tar:rootfs.tar.gz, or the path of an image";

function kindOfFile(file: FileKind, shown: string): "tar" | "image" {
  if (file === "ext4" || file === "erofs" || file === "squashfs" || file === "packed") {
    return "image";
  }
  if (file === "cpio" || (file === "compressed" && INITRAMFS.test(shown))) return "image";
  if (file === "tar" || file === "compressed") return "tar";
  const what = foreign[file];
  if (file === "elf") {
    throw new WickError("UNSUPPORTED", `Cannot use ${shown}: a program, and no source by itself`, {
      hint: `bin:${shown} makes a machine of it`,
    });
  }
  if (what !== undefined) {
    throw new WickError("UNSUPPORTED", `Cannot use ${shown}: ${what}, which wick cannot read yet`, {
      hint: HINT,
    });
  }
  throw new WickError(
    "SOURCE_FAILED",
    `Cannot use ${shown}: of an unknown kind, wanted an ext4, EROFS or squashfs image or a tar archive`,
    { hint: HINT },
  );
}
