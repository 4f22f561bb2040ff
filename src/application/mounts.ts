import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { csvFields } from "./csv.ts";
import { cleanPath } from "./paths.ts";
import { parseTmpfsOptions, type TmpfsOptions } from "./tmpfs-options.ts";

/** A file or directory of the host, to be seen in the machine as it is now, read-only. */
export interface BindMount {
  readonly kind: "bind";
  /** On the host, as written: absolute, or beginning with `.`. */
  readonly source: string;
  /** In the machine: absolute and clean. */
  readonly target: string;
}

/** An empty file system in the machine's memory. */
export interface TmpfsMount extends TmpfsOptions {
  readonly kind: "tmpfs";
  readonly target: string;
}

export type RequestedMount = BindMount | TmpfsMount;

/** Each bind mount is a drive of the machine. */
const BINDS_MAX = 16;

/** Words of Docker's and podman's that say nothing about a snapshot in another machine. */
const WITHOUT_EFFECT = new Set(
  "z Z cached delegated consistent default nocopy private rprivate slave rslave".split(" "),
);

/** What init itself needs where it is, and the root, which is the image. */
const RESERVED = /^\/$|^\/(proc|sys)(\/|$)|^\/dev$|^\/\.wick(\/|$)/;

/** One `-v SRC:DST[:OPTIONS]` in Docker's grammar; USAGE with the reason otherwise. */
export function parseVolume(text: string): BindMount {
  const cannot = (why: string, hint?: string): WickError => refuse(`-v ${text}`, why, hint);
  const [source = "", target, options, ...more] = text.split(":");
  if (more.length > 0) {
    throw cannot("it has too many colons", "a path with a colon: --mount type=bind,src=…,dst=…");
  }
  if (target === undefined) {
    throw cannot(
      "it names no folder of the host, wanted SRC:DST",
      "the machine's root takes writes; --tmpfs makes a directory in memory",
    );
  }
  for (const option of (options ?? "").split(",")) checkVolumeOption(option, cannot);
  return { kind: "bind", source: hostPath(source, cannot), target: targetOf(target, cannot) };
}

/** One `--mount type=bind|tmpfs,src=,dst=[,readonly]`, as Docker reads it: a line of CSV. */
export function parseMount(text: string): RequestedMount {
  const cannot = (why: string, hint?: string): WickError => refuse(`--mount ${text}`, why, hint);
  const { type, source, target, others } = mountFields(text, cannot);
  if (target === undefined) throw cannot("it has no dst=");
  const place = targetOf(target, cannot);
  if (type === "tmpfs") {
    if (source !== undefined) throw cannot("a tmpfs has no source");
    return { kind: "tmpfs", target: place, ...parseTmpfsOptions(tmpfsWords(others), cannot) };
  }
  if (type !== "bind") {
    const hint = type === "volume" ? "wick keeps no volumes: type=bind takes a folder" : undefined;
    throw cannot(`its type is "${type}", wanted bind or tmpfs`, hint);
  }
  for (const [key, value] of others) checkBindOption(key, value, cannot);
  if (source === undefined) throw cannot("it has no src=");
  return { kind: "bind", source: hostPath(source, cannot), target: place };
}

/** One `--tmpfs PATH[:OPTIONS]`. */
export function parseTmpfs(text: string): TmpfsMount {
  const cannot = (why: string, hint?: string): WickError => refuse(`--tmpfs ${text}`, why, hint);
  const colon = text.indexOf(":");
  const [path, options] = colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
  const words = options.split(",").filter((word) => word !== "");
  return { kind: "tmpfs", target: targetOf(path, cannot), ...parseTmpfsOptions(words, cannot) };
}

/** All mounts of a run in the order in which they are made: what lies inside another comes after it. */
export function orderMounts(mounts: readonly RequestedMount[]): readonly RequestedMount[] {
  const seen = new Set<string>();
  for (const { target } of mounts) {
    if (seen.has(target)) throw refuse(target, "two mounts have this place, wanted one");
    seen.add(target);
  }
  if (mounts.filter(({ kind }) => kind === "bind").length > BINDS_MAX) {
    throw refuse("so many folders", `wanted at most ${BINDS_MAX}`);
  }
  return mounts.toSorted((a, b) => depth(a.target) - depth(b.target));
}

function depth(path: string): number {
  return path.split("/").length;
}

type Refuse = (why: string, hint?: string) => WickError;

function checkVolumeOption(option: string, cannot: Refuse): void {
  if (option === "" || option === "ro" || WITHOUT_EFFECT.has(option)) return;
  if (option === "rw") throw writable(cannot);
  throw cannot(`it has the option "${option}", wanted ro`);
}

function checkBindOption(key: string, value: string | undefined, cannot: Refuse): void {
  const says = value === undefined || /^(true|1|t)$/i.test(value);
  if (key === "readonly" || key === "ro") {
    if (says) return;
    throw writable(cannot);
  }
  if (key === "bind-propagation" && WITHOUT_EFFECT.has(value ?? "")) return;
  if (key === "consistency" || key === "relabel") return;
  throw cannot(`it has the key "${key}", wanted type, src, dst and readonly`);
}

function writable(cannot: Refuse): WickError {
  return cannot(
    "the machine gets the folder as it is now and cannot write to it, wanted ro",
    "files that the application writes: another place in the machine, or --tmpfs",
  );
}

function hostPath(source: string, cannot: Refuse): string {
  if (source.includes("\0")) throw cannot("the source holds a NUL");
  if (/^(\/|\.\.?(\/|$))/.test(source)) return source;
  if (source === "") throw cannot("its source is empty");
  throw cannot(
    `"${source}" would be a volume, and wick keeps none`,
    `a folder of that name here: ./${sanitise(source)}`,
  );
}

function targetOf(path: string, cannot: Refuse): string {
  if (!path.startsWith("/")) throw cannot(`its place "${path}" is not an absolute path`);
  if (/[\0\p{Surrogate}]/u.test(path)) throw cannot("its place holds a NUL or half of a character");
  const clean = cleanPath(path);
  if (RESERVED.test(clean)) throw cannot(`nothing can be mounted at "${clean}"`);
  return clean;
}

interface MountFields {
  readonly type: string;
  readonly source: string | undefined;
  readonly target: string | undefined;
  readonly others: readonly (readonly [string, string | undefined])[];
}

function mountFields(text: string, cannot: Refuse): MountFields {
  const fields = csvFields(text);
  if (fields === undefined) throw cannot("its quotes are not those of a CSV line");
  const pairs = fields.map((field) => {
    const equals = field.indexOf("=");
    if (equals < 0) return [field.trim().toLowerCase(), undefined] as const;
    return [field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1)] as const;
  });
  const take = (...names: string[]): string | undefined =>
    pairs.findLast(([key]) => names.includes(key))?.[1];
  const known = ["type", "source", "src", "target", "destination", "dst"];
  return {
    // Docker's default is a volume, which wick has none of.
    type: take("type") ?? "volume",
    source: take("source", "src"),
    target: take("target", "destination", "dst"),
    others: pairs.filter(([key]) => !known.includes(key)),
  };
}

/** `tmpfs-size=64m` of `--mount` is `size=64m` of `--tmpfs`. */
function tmpfsWords(others: MountFields["others"]): string[] {
  return others.map(([key, value]) => {
    const name = key === "readonly" ? "ro" : key.replace(/^tmpfs-/, "");
    return value === undefined || (name === "ro" && value === "true") ? name : `${name}=${value}`;
  });
}

function refuse(what: string, why: string, hint?: string): WickError {
  return new WickError(
    "USAGE",
    `Cannot mount ${sanitise(what.slice(0, 200))}: ${sanitise(why)}`,
    hint === undefined ? {} : { hint },
  );
}
