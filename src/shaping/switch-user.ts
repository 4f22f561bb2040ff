import { accountName, type ResolvedProcess, type UserFiles } from "../application/index.ts";
import { WickError } from "../errors/index.ts";
import { findIn, type Tools } from "./programs.ts";
import type { Tree } from "../tree/index.ts";

/** The words that start a command as the application's user, and what they cannot do. */
export interface UserSwitch {
  /** Empty for root. */
  readonly words: readonly string[];
  readonly notes: readonly string[];
}

interface Way {
  readonly words: readonly string[] | undefined;
  /** Whether supplementary groups are set as asked. */
  readonly groups: boolean;
}

/**
 * How a shell script becomes the application's user: by whatever tool the tree has that takes
 * numbers. UNSUPPORTED when there is none.
 */
export function switchUser(
  tree: Tree,
  tools: Tools,
  process: ResolvedProcess,
  files: UserFiles,
): UserSwitch {
  const { uid, gid, groups } = process;
  if (uid === 0 && gid === 0) return { words: [], notes: [] };
  const ways: Way[] = [...waysOf(tree, tools, process), bySu(tools, process, files)].filter(
    ({ words }) => words !== undefined,
  );
  const way = ways.find((one) => one.groups || groups.length === 0) ?? ways[0];
  if (way === undefined) throw noWay(process);
  const lost = groups.length > 0 && !way.groups;
  const notes = lost ? [`${way.words![0]} does not set the groups ${groups.join(", ")}`] : [];
  return { words: way.words!, notes };
}

function waysOf(tree: Tree, tools: Tools, { uid, gid, groups }: ResolvedProcess): Way[] {
  const directories = [
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/bin",
    "/usr/sbin",
    "/bin",
    "/sbin",
  ];
  const own = (name: string, ...options: string[]) => {
    const found = findIn(tree, name, directories);
    const isBusybox = found?.ino === tools.busybox?.ino;
    return found === undefined || isBusybox ? undefined : [found.path, ...options];
  };
  const applet = (name: string, ...options: string[]) => {
    const found = tools.applet(name);
    return found === undefined ? undefined : [...found.split(" "), ...options];
  };
  const ids = `${uid}:${gid}`;
  const list = groups.length > 0 ? ["--groups", groups.join(",")] : ["--clear-groups"];
  return [
    // util-linux; busybox's setpriv has no such options.
    { words: own("setpriv", "--reuid", `${uid}`, "--regid", `${gid}`, ...list), groups: true },
    // runit's: a leading colon means numbers.
    { words: own("chpst", "-u", [`:${ids}`, ...groups].join(":")), groups: true },
    { words: own("su-exec", ids), groups: false },
    { words: own("gosu", ids), groups: false },
    { words: applet("chpst", "-u", ids), groups: false },
    { words: applet("setuidgid", ids), groups: false },
    // chroot(1) of coreutils, into the root that there is.
    {
      words: own(
        "chroot",
        `--userspec=${ids}`,
        `--groups=${groups.join(",")}`,
        "--skip-chdir",
        "/",
      ),
      groups: true,
    },
  ];
}

/** Busybox's su takes names only and sets what the account has; `-m` keeps the environment. */
function bySu(tools: Tools, process: ResolvedProcess, files: UserFiles): Way {
  const su = tools.applet("su")?.split(" ");
  const name = accountName(process, files);
  const usable = su !== undefined && name !== undefined;
  const words = usable ? [...su, "-m", "-s", "/bin/sh", name, "-c", 'exec "$0" "$@"'] : undefined;
  return { words, groups: true };
}

function noWay({ uid, gid }: ResolvedProcess): WickError {
  return new WickError(
    "UNSUPPORTED",
    `Cannot start the application as ${uid}:${gid} from a script: the tree has no setpriv, chpst, su-exec, gosu or chroot`,
    { hint: "use --init wick, add --with deb:util-linux, or -u 0:0" },
  );
}
