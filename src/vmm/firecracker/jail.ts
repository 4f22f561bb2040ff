import { basename, join } from "node:path";
import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import {
  changeOwner,
  copyContents,
  currentUser,
  findProgram,
  fitsSocketPath,
  makePrivateDirectory,
  randomName,
  realPath,
  removeIfEmpty,
  removePath,
  statOf,
  tryHardLink,
  undoAtExit,
  writePrivateFile,
} from "../../host/index.ts";
import type { MachineSpec } from "../vmm.ts";
import { LONGEST_PORT } from "./files.ts";
import type { Paths, Place } from "./place.ts";

/** How Firecracker is jailed; the jailer's own words. */
export interface JailOptions {
  /** By default `jailer` from PATH. */
  readonly program?: string | undefined;
  /** Whom Firecracker runs as: one user a machine, so that none touches another's. */
  readonly uid: number;
  readonly gid: number;
  /** Below it lies the machine's root, on a file system without `nodev`. */
  readonly baseDirectory: string;
  /** Whether the base is made where it is missing: the jailer's own is. */
  readonly makesBase?: boolean;
  /** `FILE=VALUE` of cgroup v2. */
  readonly cgroups: readonly string[];
  /** Told the jail and its cgroup before they are made; what it gives is disposed with them. */
  readonly claim?: ((jail: string, cgroup: string) => Promise<Disposable>) | undefined;
}

const ACTION = "start the machine in a jail";
const CGROUPS = "/sys/fs/cgroup";

/** As many as Firecracker has outside of a jail; the jailer's own default is 2048. */
const OPEN_FILES = 4096;

/** Inside the root; the jailer makes /run as well, for the same user. */
const INSIDE: Paths = {
  api: "/run/api",
  vsock: "/run/vsock",
  log: "/firecracker.log",
  metrics: "/firecracker-metrics.jsonl",
};

/**
 * Lays out the root in which the jailer will lock Firecracker up, with all that the machine is
 * made from, and says how it is started. Disposing it takes the root and the cgroup away, which
 * the jailer never does.
 */
export async function jailPlace(
  firecracker: string,
  spec: MachineSpec,
  options: JailOptions,
): Promise<Place> {
  const jailer = checkJailer(options);
  const program = realPath(firecracker) ?? firecracker;
  const id = `wick-${randomName()}`;
  const jail = join(options.baseDirectory, basename(program), id);
  const cgroup = join(CGROUPS, basename(program), id);
  const claim = await options.claim?.(jail, cgroup);
  const remove = (): void => removeJail(jail, cgroup);
  const forget = undoAtExit(remove);
  const dispose = (): void => {
    remove();
    forget();
    claim?.[Symbol.dispose]();
  };
  try {
    const root = join(jail, "root");
    checkLength(root);
    makePrivateDirectory(join(root, "run"));
    changeOwner(join(root, "run"), options);
    return {
      host: pathsBelow(root),
      inside: INSIDE,
      spec: await moveIn(spec, root, options),
      program: jailer,
      args: jailerArguments(program, id, options),
      binding: "watcher",
      own: (path) => changeOwner(path, options),
      [Symbol.dispose]: dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** The jailer's program, where this user may start it and jails can be. PERMISSION, TOOL_MISSING, PATH_NOT_FOUND. */
export function checkJailer({ program, baseDirectory, makesBase }: JailOptions): string {
  if (currentUser().uid !== 0) throw notRoot();
  if (makesBase !== true) checkBase(baseDirectory);
  return jailerProgram(program);
}

/** One that is not there is a mistake in writing: nobody would find the jails in it. */
function checkBase(directory: string): void {
  const status = statOf(directory);
  if (status?.isDirectory() === true) return;
  const what = status === undefined ? "there is no such directory" : "it is no directory";
  throw new WickError("PATH_NOT_FOUND", `Cannot ${ACTION} below ${sanitise(directory)}: ${what}`, {
    hint: "name a directory with --jailer-base",
  });
}

function pathsBelow(root: string): Paths {
  const below = (path: string): string => join(root, path);
  return {
    api: below(INSIDE.api),
    vsock: below(INSIDE.vsock),
    log: below(INSIDE.log),
    metrics: below(INSIDE.metrics),
  };
}

/** What jailer and Firecracker take, up to Firecracker's own arguments. */
function jailerArguments(program: string, id: string, options: JailOptions): string[] {
  const { uid, gid, baseDirectory, cgroups } = options;
  return [
    ...option("id", id),
    ...option("exec-file", program),
    ...option("uid", String(uid)),
    ...option("gid", String(gid)),
    ...option("chroot-base-dir", baseDirectory),
    ...option("resource-limit", `no-file=${OPEN_FILES}`),
    // Its default is version 1, which hosts no longer have.
    ...(cgroups.length === 0 ? [] : option("cgroup-version", "2")),
    ...cgroups.flatMap((one) => option("cgroup", one)),
    "--",
  ];
}

function option(name: string, value: string): string[] {
  return [`--${name}`, value];
}

/** The machine's files under the root, where its user may read them, and write what is written. */
async function moveIn(spec: MachineSpec, root: string, user: JailOptions): Promise<MachineSpec> {
  const place = async (path: string, name: string): Promise<string> => {
    await bringIn(path, join(root, name), { user, isOwn: path.startsWith(`${spec.directory}/`) });
    return `/${name}`;
  };
  const kernel = await place(spec.kernel, "kernel");
  const initrd = spec.initrd === undefined ? {} : { initrd: await place(spec.initrd, "initrd") };
  const drives = [];
  for (const [index, drive] of spec.drives.entries()) {
    drives.push({ ...drive, path: await place(drive.path, `drive${index}`) });
  }
  return { ...spec, kernel, ...initrd, drives };
}

/** Others may read it. */
const READABLE = 0o004;

/**
 * A second name for what this run made for itself and for what anybody may read; else a copy: the
 * owner of somebody else's file stays as it is.
 */
async function bringIn(
  from: string,
  to: string,
  { user, isOwn }: { readonly user: JailOptions; readonly isOwn: boolean },
): Promise<void> {
  const isOpen = ((statOf(from)?.mode ?? 0) & READABLE) !== 0;
  if (!isOwn && isOpen && tryHardLink(from, to)) return;
  if (!isOwn || !tryHardLink(from, to)) {
    writePrivateFile(to, new Uint8Array(0));
    await copyContents(from, to);
  }
  changeOwner(to, user);
}

function removeJail(jail: string, cgroup: string): void {
  removePath(jail);
  removeIfEmpty(cgroup);
}

function jailerProgram(given: string | undefined): string {
  const found = findProgram(given ?? "jailer");
  if (found !== undefined) return found;
  throw new WickError("TOOL_MISSING", `Cannot ${ACTION}: the program jailer is not installed`, {
    hint: "it comes with Firecracker's releases: put it into PATH, or name it with WICK_JAILER",
  });
}

function notRoot(): WickError {
  return new WickError("PERMISSION", `Cannot ${ACTION}: the jailer must be started as root`, {
    hint: "without --jailer Firecracker runs as this user, with no more rights than it has",
  });
}

function checkLength(root: string): void {
  const longest = `${join(root, INSIDE.vsock)}${LONGEST_PORT}`;
  if (fitsSocketPath(longest)) return;
  throw new WickError(
    "VALUE_OUT_OF_RANGE",
    `Cannot ${ACTION} below ${sanitise(root)}: sockets' paths would be too long`,
    { hint: "name a shorter directory with --jailer-base" },
  );
}
