import { findPath, type Ino, type Sink, type Tree } from "../tree/index.ts";
import { basePrograms } from "./base-programs.ts";
import { readStart } from "./files.ts";
import { findQuietly, isExecutable } from "./programs.ts";

/** Directories in which an application's program may lie, likeliest first. */
const DIRECTORIES = [
  ["/", 4],
  ["/app", 4],
  ["/opt", 3],
  ["/usr/local/sbin", 3],
  ["/usr/local/bin", 3],
  ["/usr/sbin", 2],
  ["/sbin", 2],
  ["/usr/games", 1],
  ["/usr/bin", 1],
  ["/bin", 1],
] as const;

const UNIT_DIRECTORIES = ["/usr/lib/systemd/system", "/lib/systemd/system", "/etc/systemd/system"];
const UNITS_MAX = 500;
const UNIT_MAX_BYTES = 64 * 1024;

/** Points beside those of the directory. */
const SERVICE = 8;
const SERVER_NAME = 2;
const BASE = -6;

/** Helpers that packages bring along with libraries and daemons; the rest is told by dpkg. */
const HELPERS = new Set(
  [
    "busybox init telinit halt poweroff reboot shutdown runlevel login getty agetty nologin su",
    "ldconfig iconv iconvconfig locale localedef getent getconf pldd ldd tzselect zdump zic nscd",
    "arpd dcb devlink genl tipc vdpa rdma capsh getcap setcap getpcaps rmt rmt-tar tar dpkg",
    "ip ss bridge tc rtmon rtacct routel openssl c_rehash update-ca-certificates service",
    "invoke-rc.d update-rc.d start-stop-daemon run-parts which savelog perl bash dash sh env",
  ]
    .join(" ")
    .split(" "),
);

/**
 * Programs of the tree that a user may have meant, best first, at most `limit`: what its
 * systemd units start, then what looks like a server, programs of base systems last.
 */
export function likelyExecutables(tree: Tree, sink: Sink, limit: number): string[] {
  const services = new Set(serviceInodes(tree, sink));
  const base = basePrograms(tree, sink);
  const seen = new Set<Ino>();
  const found: { path: string; score: number; size: number }[] = [];
  for (const [directory, points] of DIRECTORIES) {
    for (const { path, ino } of programsIn(tree, directory)) {
      if (seen.has(ino)) continue;
      seen.add(ino);
      const service = services.has(ino) ? SERVICE : 0;
      const score = points + service + (base.has(ino) ? BASE : scoreOf(path));
      found.push({ path, score, size: tree.inodes.size(ino) });
    }
  }
  found.sort((a, b) => b.score - a.score || b.size - a.size || (a.path < b.path ? -1 : 1));
  return found.slice(0, limit).map(({ path }) => path);
}

function scoreOf(path: string): number {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (HELPERS.has(name)) return BASE;
  return /(d|server|daemon)$/.test(name) ? SERVER_NAME : 0;
}

function programsIn(tree: Tree, directory: string): { path: string; ino: Ino }[] {
  const ino = findPath(tree, directory);
  if (ino < 0 || tree.inodes.kind(ino) !== "directory") return [];
  const decoder = new TextDecoder("utf-8", { fatal: true });
  return tree.list(ino).flatMap((entry) => {
    try {
      const path = `${directory === "/" ? "" : directory}/${decoder.decode(entry.name)}`;
      const target = findPath(tree, path);
      return isExecutable(tree, target) ? [{ path, ino: target }] : [];
    } catch {
      return []; // a name that is no UTF-8, or links in a circle: not what anybody means
    }
  });
}

/** Programs that the tree's systemd units start. */
function serviceInodes(tree: Tree, sink: Sink): Ino[] {
  const inodes = UNIT_DIRECTORIES.flatMap((directory) => unitsIn(tree, directory));
  return inodes.slice(0, UNITS_MAX).flatMap((unit) => {
    const text = new TextDecoder().decode(readStart(tree, sink, unit, UNIT_MAX_BYTES));
    return Array.from(text.matchAll(/^ExecStart=[-@:+!]*(\/\S+)/gm), ([, path]) =>
      findQuietly(tree, path!),
    );
  });
}

function unitsIn(tree: Tree, directory: string): Ino[] {
  const ino = findQuietly(tree, directory);
  if (ino < 0 || tree.inodes.kind(ino) !== "directory") return [];
  return tree
    .list(ino)
    .filter(({ name }) => new TextDecoder().decode(name).endsWith(".service"))
    .map((entry) => entry.ino)
    .filter((unit) => tree.inodes.kind(unit) === "file");
}
