import { compareBytes, display, toSafeNumber, utf8 } from "../bytes/index.ts";
import {
  isBeingWritten,
  letOthersRun,
  linkTarget,
  namesIn,
  readExactly,
  statExactly,
  throwIfAborted,
  type HostXattr,
  type ExactStat,
} from "../host/index.ts";
import { type Entry, kindOf, type LayerVisitor } from "../tree/index.ts";
import type { OwnerRule } from "./owner.ts";
import { timeOf } from "./times.ts";

/** What a walk needs beside the path. */
export interface WalkOptions {
  readonly visitor: LayerVisitor;
  readonly signal: AbortSignal | undefined;
  readonly owner: OwnerRule;
  /** By absolute path as latin1 text. */
  readonly xattrs: ReadonlyMap<string, readonly HostXattr[]>;
}

const READ_BYTES = 1 << 20;
/** Work between two turns of the event loop: contents in bytes, an entry counting as 16 KiB. */
const TURN_BYTES = 16 << 20;
const ENTRY_BYTES = 16 << 10;

/** Attributes of this host's own bookkeeping, which mean nothing or harm in another machine. */
const HOST_ONLY =
  /^(security\.(selinux|SMACK64.*|ima|evm)|trusted\.overlay\..*|system\.(?!posix_acl_).*)$/;

/** Walks one directory tree, depth first, and plays it to a visitor. */
export class DirectoryWalk {
  readonly #root: string;
  readonly #options: WalkOptions;
  readonly #buffer = new Uint8Array(READ_BYTES);
  /** First path of each inode that has several, relative to the root. */
  readonly #linked = new Map<string, Uint8Array>();
  #device = 0n;
  #sinceTurn = 0;

  /** `root` is absolute. */
  constructor(root: string, options: WalkOptions) {
    this.#root = root.replace(/\/+$/, "");
    this.#options = options;
  }

  async run(): Promise<void> {
    const root = statExactly(utf8(`${this.#root}/.`));
    this.#device = root.dev;
    this.#options.visitor.entry(this.#entry(utf8("."), root));
    // A stack and not recursion: directories may be nested as deep as they like.
    const pending = this.#children(new Uint8Array(0));
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      await this.#turn(ENTRY_BYTES);
      if (this.#visit(path)) pending.push(...this.#children(path));
    }
  }

  /** Paths of a directory's entries, relative to the root; the first in order comes last. */
  #children(directory: Uint8Array): Uint8Array[] {
    const prefix = directory.length === 0 ? directory : concat(directory, utf8("/"));
    return namesIn(this.#absolute(directory))
      .sort((a, b) => compareBytes(b, a))
      .map((name) => concat(prefix, name));
  }

  /** Plays one entry; true for a directory to go into. */
  #visit(path: Uint8Array): boolean {
    const { visitor } = this.#options;
    const status = statExactly(this.#absolute(path));
    const kind = kindOf(Number(status.mode));
    if (kind === "socket" || kind === undefined) {
      visitor.warn(`${display(path)} is left out: a socket exists only while its server runs`);
      return false;
    }
    if (kind === "directory") return this.#directory(path, status);
    if (isBeingWritten(status)) return false;
    const first = this.#firstName(path, status);
    if (first !== undefined) {
      visitor.entry({ ...this.#entry(path, status), type: "hardlink", target: first, size: 0 });
      return false;
    }
    visitor.entry(this.#entry(path, status));
    if (kind === "file") this.#contents(path, status);
    return false;
  }

  /** What another file system holds (/proc, a mounted share) is no part of the directory. */
  #directory(path: Uint8Array, status: ExactStat): boolean {
    this.#options.visitor.entry(this.#entry(path, status));
    if (status.dev === this.#device) return true;
    const shown = display(path);
    this.#options.visitor.warn(`What is below ${shown} is left out: it is on another file system`);
    return false;
  }

  #contents(path: Uint8Array, status: ExactStat): void {
    const { visitor } = this.#options;
    readExactly(this.#absolute(path), status, this.#buffer, (bytes) => visitor.data(bytes));
    visitor.endFile();
    this.#sinceTurn += Number(status.size);
  }

  /** The name under which the same inode was played before; undefined when it was not. */
  #firstName(path: Uint8Array, status: ExactStat): Uint8Array | undefined {
    if (status.nlink < 2n) return undefined;
    const key = `${status.dev}:${status.ino}`;
    const first = this.#linked.get(key);
    if (first === undefined) this.#linked.set(key, path);
    return first;
  }

  #entry(path: Uint8Array, status: ExactStat): Entry {
    const kind = kindOf(Number(status.mode))!;
    const shown = display(path);
    return {
      type: kind,
      path,
      mode: Number(status.mode & 0o7777n),
      ...this.#options.owner({ uid: Number(status.uid), gid: Number(status.gid) }),
      mtime: timeOf(status.mtimeNs),
      xattrs: this.#xattrs(path),
      size: kind === "file" ? toSafeNumber(status.size, `the size of ${shown}`) : 0,
      ...(kind === "symlink" ? { target: linkTarget(this.#absolute(path)) } : {}),
      ...(kind === "char" || kind === "block" ? { rdev: deviceNumbers(status.rdev) } : {}),
    };
  }

  #xattrs(path: Uint8Array): readonly HostXattr[] {
    if (this.#options.xattrs.size === 0) return [];
    const isRoot = path.length === 1 && path[0] === 0x2e;
    const absolute = isRoot ? utf8(this.#root || "/") : this.#absolute(path);
    const found = this.#options.xattrs.get(Buffer.from(absolute).toString("latin1")) ?? [];
    return found
      .filter(({ name }) => !HOST_ONLY.test(display(name)))
      .sort((a, b) => compareBytes(a.name, b.name));
  }

  #absolute(path: Uint8Array): Uint8Array {
    return concat(utf8(`${this.#root}/`), path);
  }

  async #turn(cost: number): Promise<void> {
    this.#sinceTurn += cost;
    if (this.#sinceTurn < TURN_BYTES) return;
    this.#sinceTurn = 0;
    await letOthersRun();
    throwIfAborted(this.#options.signal);
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}

/** `st_rdev` as glibc's gnu_dev_major and gnu_dev_minor take it apart. */
function deviceNumbers(rdev: bigint): { major: number; minor: number } {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}
