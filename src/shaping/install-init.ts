import { printConfig, CONFIG_PATH, type AppConfig } from "../application/index.ts";
import { type ResolvedProcess, type UserFiles } from "../application/index.ts";
import { utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import {
  findPath,
  pathOf,
  placeFor,
  type Ino,
  type Tree,
  type Location,
  type Metadata,
  type Sink,
} from "../tree/index.ts";
import { addFile, addSymlink, createAt, ensureDirectory, metadataOf, removePath } from "./files.ts";
import { initScript } from "./init-script.ts";
import { lookUp } from "./look-up.ts";
import { TreeFiles } from "./program-files.ts";
import { findIn, isExecutable, Tools } from "./programs.ts";
import { switchUser } from "./switch-user.ts";

/** Where the kernel looks for init first: on a root file system, in an initramfs. */
const INIT_PATHS = { disk: "/sbin/init", initramfs: "/init" } as const;
/** What init reads in its second stage; guest/ has the format. */
const RECORDS_PATH = "/.wick/init.rec";

/** What is installed, by kind. */
export type InitRequest =
  | {
      readonly kind: "wick";
      /** init's program for the machine's architecture. */
      readonly binary: Uint8Array;
      /** Bytes of init.rec. */
      readonly records: Uint8Array;
      readonly config: AppConfig;
    }
  | {
      readonly kind: "script";
      readonly process: ResolvedProcess;
      /** The tree's own, as `process` was resolved by. */
      readonly files: UserFiles;
    }
  | { readonly kind: "app"; readonly process: ResolvedProcess; readonly config: AppConfig }
  | { readonly kind: "none" };

/** What was done, for the summary. */
export interface InstalledInit {
  /** Where init went, links resolved as the guest's kernel does; undefined for "none". */
  readonly path: string | undefined;
  /** Sentences for the user: what was kept, added, or cannot be done. */
  readonly notes: readonly string[];
}

/** Where the mtime of all that is added comes from: SOURCE_DATE_EPOCH, or the epoch. */
export interface ShapingOptions {
  readonly mtimeSeconds?: number;
  /** What the tree becomes: a root file system on a drive (the default), or an initramfs. */
  readonly root?: keyof typeof INIT_PATHS;
}

/**
 * Makes a root file system start its application. "wick": our init, its records and the
 * config. "script": a readable init for the tree's own /bin/sh. "app": /init leads to the
 * application's program, and the config is kept for who boots it; initramfs only. "none":
 * nothing. It goes to /sbin/init, in an initramfs to /init; the former one stays as init.old
 * beside the new one. Errors: NO_APPLICATION, UNSUPPORTED.
 */
export function installInit(
  tree: Tree,
  sink: Sink,
  request: InitRequest,
  { mtimeSeconds = 0, root = "disk" }: ShapingOptions = {},
): InstalledInit {
  const mtime = { seconds: mtimeSeconds, nanoseconds: 0 };
  const work: Work = { tree, sink, mtime, notes: [], initPath: INIT_PATHS[root] };
  if (request.kind === "none") return ownInit(work, root);
  if (request.kind === "app") return appInit(work, request, root);
  // Found out before anything is changed: a tree without a shell stays as it was.
  const bytes = request.kind === "wick" ? request.binary : scriptBytes(work, request);
  addMountPoints(work);
  if (root === "initramfs") addConsole(work);
  const path = replaceInit(work, bytes);
  if (request.kind === "wick") addOwnFiles(work, request);
  else addScriptFiles(work, request.process);
  return { path, notes: work.notes };
}

interface Work {
  readonly tree: Tree;
  readonly sink: Sink;
  readonly mtime: Metadata["mtime"];
  readonly notes: string[];
  readonly initPath: string;
}

/** Of an initramfs the kernel runs nothing but /init; without one it looks for a drive. */
function ownInit({ tree, initPath }: Work, root: ShapingOptions["root"]): InstalledInit {
  if (root === "initramfs" && !isExecutable(tree, findPath(tree, initPath))) {
    throw new WickError(
      "NO_APPLICATION",
      `Cannot start the initramfs: with --init none its own ${initPath} is process 1, and there is no such program`,
      { hint: "add it with --add FILE:/init, or use --init wick" },
    );
  }
  return { path: undefined, notes: [] };
}

/** The kernel starts the program itself: it gets the devices that it may want, and no more. */
function appInit(
  work: Work,
  { process, config }: InitRequest & { readonly kind: "app" },
  root: ShapingOptions["root"],
): InstalledInit {
  if (root !== "initramfs") throw appIsInitramfs();
  const { tree, sink, mtime, initPath } = work;
  const program = findProgram(work, process);
  addConsole(work);
  addDevice(work, "/dev/null", { mode: 0o666, minor: 3, major: 1 });
  if (findPath(tree, initPath) !== program.ino) {
    makeWay(work);
    addSymlink(tree, sink, initPath, program.path, { mtime });
  }
  addConfig(work, config);
  return { path: initPath, notes: work.notes };
}

/** The program by the process's PATH; NO_APPLICATION when the kernel would find none. */
function findProgram({ tree, sink }: Work, process: ResolvedProcess): { path: string; ino: Ino } {
  const found = lookUp(new TreeFiles(tree, sink), process.argv[0]!, process);
  if (!("message" in found)) return { path: found.path, ino: findPath(tree, found.path) };
  throw new WickError("NO_APPLICATION", `Cannot make the application process 1: ${found.message}`);
}

function addMountPoints({ tree, mtime }: Work): void {
  for (const path of ["/proc", "/sys", "/dev", "/run", "/etc"]) {
    ensureDirectory(tree, path, { mtime });
  }
  ensureDirectory(tree, "/tmp", { mode: 0o1777, mtime });
}

/** Puts init where the kernel finds it; a link at that name is the former init, not followed. */
function replaceInit(work: Work, bytes: Uint8Array): string {
  const { tree, sink, mtime, initPath } = work;
  const path = makeWay(work);
  addFile(tree, sink, initPath, bytes, { mode: 0o755, mtime, link: "replace" });
  return path;
}

/** Keeps what is where init goes under another name; where that is, links resolved. */
function makeWay(work: Work): string {
  const { tree, mtime, initPath } = work;
  // Links that go in a circle are an error even at the last name: the image is broken.
  findPath(tree, initPath);
  const parents = metadataOf({ mtime }, 0o755);
  const place = placeFor(tree, initPath, { follow: "parents", parents });
  const path = realPath(tree, place);
  if (place.ino >= 0 && tree.inodes.kind(place.ino) !== "directory") keepFormer(work, place, path);
  return path;
}

function keepFormer({ tree, notes }: Work, { directory, ino }: Location, path: string): void {
  const name = utf8("init.old");
  if (tree.lookup(directory, name) >= 0) {
    notes.push(`${path}.old is there already: the former ${path} was replaced`);
    return;
  }
  tree.link(directory, name, ino);
  notes.push(`the former ${path} was kept as ${path}.old`);
}

/** /.wick is ours alone: whatever the source had there (a link, say) goes. */
function addOwnFiles(work: Work, request: InitRequest & { readonly kind: "wick" }): void {
  const { tree, sink, mtime } = work;
  addConfig(work, request.config);
  addFile(tree, sink, RECORDS_PATH, request.records, { mode: 0o600, mtime });
}

function addConfig({ tree, sink, mtime, notes }: Work, config: AppConfig): void {
  if (removePath(tree, sink, "/.wick")) notes.push("a former /.wick was replaced");
  ensureDirectory(tree, "/.wick", { mode: 0o700, mtime });
  addFile(tree, sink, CONFIG_PATH, printConfig(config), { mode: 0o600, mtime });
}

/** The script, as bytes; makes /bin/sh a link to busybox where only that is there. */
function scriptBytes(work: Work, request: InitRequest & { readonly kind: "script" }): Uint8Array {
  const { tree, sink, notes } = work;
  const tools = new Tools(tree, sink);
  ensureShell(work, tools);
  const { words, notes: lost } = switchUser(tree, tools, request.process, request.files);
  notes.push(...lost);
  if (tools.find("mount") === undefined) {
    notes.push("the tree has no mount: /proc and /sys will be empty (--with deb:busybox-static)");
  }
  return utf8(initScript(request.process, { tools, userSwitch: words }));
}

function ensureShell({ tree, sink, mtime, notes }: Work, { busybox }: Tools): void {
  if (findIn(tree, "sh", ["/bin"]) !== undefined) return;
  if (busybox === undefined) {
    throw new WickError(
      "UNSUPPORTED",
      "Cannot install a script as init: the tree has no /bin/sh that can be executed",
      { hint: "add --with deb:busybox-static, or use --init wick" },
    );
  }
  const samePlace = findPath(tree, "/bin/busybox") === busybox.ino;
  const target = samePlace ? "busybox" : busybox.path;
  addSymlink(tree, sink, "/bin/sh", target, { mtime });
  notes.push(`/bin/sh was made a link to ${target}`);
}

/** Files that a script cannot make on a read-only root, and a console before devtmpfs. */
function addScriptFiles(work: Work, process: ResolvedProcess): void {
  const { tree, sink, mtime } = work;
  const { directory, uid, gid, hostname } = process;
  ensureDirectory(tree, directory, { uid, gid, mtime });
  addConsole(work);
  addDevice(work, "/dev/null", { mode: 0o666, minor: 3, major: 1 });
  if (isFree(tree, "/etc/hosts")) {
    const hosts = `127.0.0.1 localhost ${hostname}\n::1 localhost ${hostname}\n`;
    addFile(tree, sink, "/etc/hosts", utf8(hosts), { mtime });
  }
  // Name servers that the kernel got by ip=dhcp, in the form of a resolv.conf.
  if (isFree(tree, "/etc/resolv.conf")) {
    addSymlink(tree, sink, "/etc/resolv.conf", "/proc/net/pnp", { mtime });
  }
}

/** What the kernel opens for process 1 before anything is mounted. */
function addConsole(work: Work): void {
  addDevice(work, "/dev/console", { mode: 0o600, minor: 1, major: 5 });
}

function addDevice(
  { tree, sink, mtime }: Work,
  path: string,
  { mode, major, minor }: { readonly mode: number; readonly major: number; readonly minor: number },
): void {
  if (!isFree(tree, path)) return;
  const ino = createAt(tree, sink, path, { kind: "char", mode, mtime });
  tree.inodes.setRdev(ino, { major, minor });
}

/** Whether nothing has this name, not even a link that leads nowhere. */
function isFree(tree: Tree, path: string): boolean {
  return findPath(tree, path, { follow: "parents" }) < 0;
}

function realPath(tree: Tree, { directory, name }: Location): string {
  const parent = new TextDecoder().decode(pathOf(tree, directory));
  return `${parent === "/" ? "" : parent}/${new TextDecoder().decode(name)}`;
}

function appIsInitramfs(): WickError {
  return new WickError(
    "UNSUPPORTED",
    "Cannot use --init app for a root file system: the application itself is process 1 of an initramfs, since nothing would load the drivers of a drive before it",
    { hint: "--format initramfs, or --init script for a readable init" },
  );
}
