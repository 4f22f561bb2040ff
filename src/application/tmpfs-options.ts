import type { WickError } from "../errors/index.ts";
import { parseSize } from "./memory.ts";

/** How a tmpfs is mounted. */
export interface TmpfsOptions {
  /** Bits of mount(2). */
  readonly flags: number;
  /** The file system's own words, such as `size=65536,mode=1777`. */
  readonly data: string;
}

/** include/uapi/linux/mount.h */
const MS = { ro: 1, nosuid: 2, nodev: 4, noexec: 8, noatime: 1024 } as const;
const OPPOSITE: Readonly<Record<string, keyof typeof MS>> = {
  rw: "ro",
  suid: "nosuid",
  dev: "nodev",
  exec: "noexec",
  atime: "noatime",
};

/** What tmpfs takes besides (mm/shmem.c), and the form of its values. */
const VALUES: Readonly<Record<string, RegExp>> = {
  mode: /^[0-7]{1,5}$/,
  uid: /^\d{1,10}$/,
  gid: /^\d{1,10}$/,
  nr_inodes: /^\d{1,10}[kmg]?$/i,
  nr_blocks: /^\d{1,10}[kmg]?$/i,
};

/** Words such as `size=64m`, `exec` over Docker's defaults: nosuid, nodev, noexec. */
export function parseTmpfsOptions(
  words: readonly string[],
  cannot: (why: string) => WickError,
): TmpfsOptions {
  let flags: number = MS.nosuid | MS.nodev | MS.noexec;
  const data: string[] = [];
  for (const word of words) {
    const opposite = OPPOSITE[word];
    if (word in MS) flags |= MS[word as keyof typeof MS];
    else if (opposite !== undefined) flags &= ~MS[opposite];
    else data.push(dataWord(word, cannot));
  }
  return { flags, data: data.join(",") };
}

function dataWord(word: string, cannot: (why: string) => WickError): string {
  const [name = "", value = ""] = word.split("=", 2);
  if (name === "size") return `size=${/^\d{1,3}%$/.test(value) ? value : sizeOf(value)}`;
  if (Object.hasOwn(VALUES, name) && VALUES[name]!.test(value)) return `${name}=${value}`;
  throw cannot(`it has the option "${word}", wanted size=64m, mode=1777, uid=, gid=, exec or ro`);
}

/** Docker's sizes are binary, and so are the kernel's. */
function sizeOf(text: string): number {
  return parseSize(text, "the size of the tmpfs");
}
