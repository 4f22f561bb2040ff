import { isAbsolute, resolve } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { statOf } from "../host/index.ts";
import { closest } from "./closest.ts";
import { type FileKind, lookAtFile } from "./file-kind.ts";

/** Kinds of source that can be opened; `image` is a finished image, for the operations. */
export type SourceKind = "deb" | "dir" | "tar" | "image";

/** A source as written, understood. */
export interface ParsedSource {
  readonly kind: SourceKind;
  /** Packages for `deb`, `-` or an absolute path for `tar`, else an absolute path. */
  readonly rest: string;
  /** As the user wrote it. */
  readonly reference: string;
}

const BUILT = ["deb", "dir", "tar"] as const;
/** Settled names of sources that come later. */
const LATER = [
  "bin",
  "docker",
  "docker-archive",
  "docker-daemon",
  "list",
  "oci",
  "oci-archive",
  "podman",
] as const;

/** Ends of names that are files and never images of a registry. */
const FILE_SUFFIX =
  /\.(ext4|img|raw|erofs|squashfs|sqfs|cpio|tar|tgz|tzst|txz|tbz2?|qcow2|deb|(tar|cpio|img|ext4)\.(gz|zst|xz|bz2|lz4))$/;

/**
 * Understands `PREFIX:REST`; a path (`/`, `./`, `../`, or with the suffix of an image or
 * archive) is looked at by its magic number; any other bare word is a registry's name.
 * Errors: USAGE, SOURCE_NOT_FOUND, UNSUPPORTED for what is settled and not built.
 */
export function parseSource(text: string, options: { readonly cwd: string }): ParsedSource {
  if (text === "") throw new WickError("USAGE", "Cannot use an empty source", { hint: HINT });
  if (/^(\/|\.\.?(\/|$))/.test(text)) return fromPath(text, options.cwd);
  const [, prefix, rest] = /^([a-z][a-z-]*):(.*)$/s.exec(text) ?? [];
  if (prefix !== undefined && rest !== undefined) {
    const kind = BUILT.find((built) => built === prefix);
    if (kind !== undefined) return { ...withPrefix(kind, rest, options.cwd), reference: text };
    if (LATER.some((later) => later === prefix)) throw notYet(prefix);
  }
  if (FILE_SUFFIX.test(text)) return fromPath(text, options.cwd);
  throw registryName(text, prefix);
}

const HINT = "write deb:nginx-light, dir:./rootfs, tar:rootfs.tar.gz, or the path of an image";

function withPrefix(
  kind: (typeof BUILT)[number],
  rest: string,
  cwd: string,
): Omit<ParsedSource, "reference"> {
  if (rest === "") {
    throw new WickError("USAGE", `Cannot use the source "${kind}:": nothing follows the colon`, {
      hint: HINT,
    });
  }
  if (kind === "deb" || (kind === "tar" && rest === "-")) return { kind, rest };
  return { kind, rest: absolute(rest, cwd) };
}

function absolute(path: string, cwd: string): string {
  return isAbsolute(path) ? path : resolve(cwd, path);
}

function fromPath(text: string, cwd: string): ParsedSource {
  const rest = absolute(text, cwd);
  const shown = sanitise(text);
  const status = statOf(rest);
  if (status === undefined) {
    throw new WickError("SOURCE_NOT_FOUND", `Cannot use ${shown}: there is no such file`, {
      hint: "a path is relative to the current directory",
    });
  }
  if (status.isDirectory()) return { kind: "dir", rest, reference: text };
  if (!status.isFile()) {
    throw new WickError(
      "SOURCE_FAILED",
      `Cannot use ${shown}: neither a regular file nor a directory`,
      { hint: "an archive from a pipe: tar:-" },
    );
  }
  return { kind: kindOfFile(lookAtFile(rest), shown), rest, reference: text };
}

/** What a file that is not understood is, for the error. */
const foreign: Readonly<Partial<Record<FileKind, string>>> = {
  cpio: "a cpio archive",
  deb: "a Debian package",
  elf: "a program",
  erofs: "an EROFS image",
  qcow2: "a qcow2 disk",
  squashfs: "a squashfs image",
};

function kindOfFile(file: FileKind, shown: string): "tar" | "image" {
  if (file === "ext4") return "image";
  if (file === "tar" || file === "compressed") return "tar";
  const what = foreign[file];
  if (what !== undefined) {
    throw new WickError("UNSUPPORTED", `Cannot use ${shown}: ${what}, which wick cannot read yet`, {
      hint: HINT,
    });
  }
  throw new WickError(
    "SOURCE_FAILED",
    `Cannot use ${shown}: of an unknown kind, wanted an ext4 image or a tar archive`,
    { hint: HINT },
  );
}

function notYet(prefix: string): WickError {
  return new WickError("UNSUPPORTED", `Cannot use a source of the kind "${prefix}:" yet`, {
    hint: `kinds that work: ${BUILT.map((built) => `${built}:`).join(", ")}`,
  });
}

function registryName(text: string, prefix: string | undefined): WickError {
  const near = prefix === undefined ? [] : closest(prefix, [...BUILT, ...LATER], 1);
  const meant = near[0] === undefined ? undefined : `${near[0]}${text.slice(prefix!.length)}`;
  return new WickError(
    "UNSUPPORTED",
    `Cannot use "${sanitise(text)}": the name of an image in a registry, and registries come later`,
    {
      hint:
        meant === undefined
          ? `a file or directory begins with ./ (./${sanitise(text)}), a Debian package with deb:`
          : `did you mean ${sanitise(meant)}?`,
    },
  );
}
