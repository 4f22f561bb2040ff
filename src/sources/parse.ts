import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { parseReference, showReference } from "../formats/oci/index.ts";
import { statOf } from "../host/index.ts";
import { closest } from "./closest.ts";
import { absolutePath, isPath, parsePath, splitTag } from "./parse-path.ts";
import type { ParsedSource, ParseOptions } from "./parsed-source.ts";

type Parser = (rest: string, cwd: string) => Omit<ParsedSource, "reference">;

/** What follows each prefix. */
const prefixes: Readonly<Record<string, Parser>> = {
  bin: (rest, cwd) => ({ kind: "bin", rest: absolutePath(rest, cwd) }),
  deb: (rest) => ({ kind: "deb", rest }),
  dir: (rest, cwd) => ({ kind: "dir", rest: absolutePath(rest, cwd) }),
  tar: (rest, cwd) => ({ kind: "tar", rest: rest === "-" ? rest : absolutePath(rest, cwd) }),
  oci: (rest, cwd) => ({ kind: "oci", ...splitTag(rest, cwd) }),
  "oci-archive": (rest, cwd) => ({ kind: "oci-archive", ...splitTag(rest, cwd) }),
  "docker-archive": (rest, cwd) => ({ kind: "docker-archive", ...splitTag(rest, cwd) }),
  "docker-daemon": (rest) => ({ kind: "docker-daemon", rest: engineName(rest) }),
  list: (rest, cwd) => ({ kind: "list", rest: absolutePath(rest, cwd) }),
  podman: (rest) => ({ kind: "podman", rest: engineName(rest) }),
  // skopeo and podman write docker://nginx.
  docker: (rest) => ({ kind: "registry", rest: registryName(rest.replace(/^\/\//, "")) }),
};

/**
 * Understands `PREFIX:REST`; a path (`/`, `./`, `../`, or with the suffix of an image or
 * archive) is looked at; any other bare word is a registry's name.
 * Errors: USAGE, SOURCE_NOT_FOUND, UNSUPPORTED for a file that is no source.
 */
export function parseSource(text: string, options: ParseOptions): ParsedSource {
  if (text === "") throw new WickError("USAGE", "Cannot use an empty source", { hint: HINT });
  if (/^(\/|\.\.?(\/|$))/.test(text)) return parsePath(text, options);
  const [, prefix, rest] = /^([a-z][a-z-]*):(.*)$/s.exec(text) ?? [];
  if (prefix !== undefined && rest !== undefined) {
    const parse = Object.hasOwn(prefixes, prefix) ? prefixes[prefix] : undefined;
    if (parse !== undefined) return { ...parse(given(rest, prefix), options.cwd), reference: text };
  }
  if (isPath(text)) return parsePath(text, options);
  return fromRegistry(text, prefix, options.cwd);
}

const HINT =
  "write nginx:alpine, deb:nginx-light, dir:./rootfs, tar:rootfs.tar.gz, or the path of an image";

function given(rest: string, prefix: string): string {
  if (rest !== "") return rest;
  const message = `Cannot use the source "${prefix}:": nothing follows the colon`;
  throw new WickError("USAGE", message, { hint: HINT });
}

/** The complete name of an image in a registry. */
function registryName(text: string): string {
  return showReference(parseReference(text));
}

function fromRegistry(text: string, prefix: string | undefined, cwd: string): ParsedSource {
  const isHere = statOf(absolutePath(text, cwd)) !== undefined;
  const known = Object.keys(prefixes);
  const near = prefix === undefined ? undefined : closest(prefix, known, 1)[0];
  const meant = isHere ? `./${text}` : near && `${near}${text.slice(prefix!.length)}`;
  const rest = registryNameOrPath(text, isHere);
  return { kind: "registry", rest, ...(meant && { meant }), reference: text };
}

function registryNameOrPath(text: string, isHere: boolean): string {
  try {
    return registryName(text);
  } catch (error) {
    if (!(error instanceof WickError) || (error.hint !== undefined && !isHere)) throw error;
    const hint = `a file or directory begins with ./ (./${sanitise(text)}), a Debian package with deb:`;
    throw new WickError(error.code, error.message, { cause: error, hint });
  }
}

/** An engine's own name of an image, or its id: it knows more forms than registries do. */
function engineName(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,400}$/.test(text) && !text.includes("..")) return text;
  throw new WickError(
    "USAGE",
    `Cannot use the image name "${sanitise(text.slice(0, 200))}": wanted a name such as nginx:alpine, or an id`,
  );
}
