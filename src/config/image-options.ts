import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import {
  compressions,
  initramfsSuffixes,
  LIST_FORMAT,
  type BuildFormat,
  type Compression,
  type ImageFormat,
} from "./image-formats.ts";

/** What the user says about the image's format. */
interface Given {
  readonly format?: BuildFormat | undefined;
  readonly output?: string | undefined;
  readonly compression?: string | undefined;
  readonly size?: string | undefined;
  readonly journal?: boolean | undefined;
  readonly label?: readonly string[] | undefined;
  readonly root?: string | undefined;
  readonly init?: string | undefined;
}

/** Names of files that say which format is meant. */
const suffixes: readonly (readonly [RegExp, ImageFormat])[] = [
  [/\.erofs$/, "erofs"],
  [/\.(squashfs|sqfs)$/, "squashfs"],
  [/\.cpio(\.(gz|zst|xz|lz4))?$/, "initramfs"],
  [/\.(ext4|img|raw)$/, "ext4"],
  [/\.(vmlinux|bz[iI]mage|image)$/, "kernel"],
];

/**
 * The format that was asked for, else the one that the output's name says, else ext4; an
 * application that is process 1 itself is an initramfs. A list is made of an initramfs.
 */
export function formatOf({ format, output = "", init }: Given): ImageFormat {
  if (format === LIST_FORMAT) return "initramfs";
  const named = suffixes.find(([suffix]) => suffix.test(output))?.[1];
  return format ?? named ?? (init === "app" ? "initramfs" : "ext4");
}

/**
 * `NAME` or `NAME,LEVEL`, as mkfs.erofs has it; USAGE when the format does not know it. Without
 * it the suffix of an initramfs decides.
 */
export function compressionOf(given: Given, format: ImageFormat): Compression | undefined {
  const { compression } = given;
  if (given.format === LIST_FORMAT) return noCompression(compression);
  if (compression === undefined) return suffixCompression(given, format);
  const [, name = "", level] = /^([a-z0-9]+)(?:,(\d{1,2}))?$/.exec(compression) ?? [];
  if (compression === "none" && compressions[format].includes("none")) return undefined;
  if (name !== "none" && compressions[format].includes(name)) {
    return { name, level: level === undefined ? undefined : Number(level) };
  }
  const known = compressions[format].join(", ");
  const wanted =
    known === "" ? "erofs, squashfs or initramfs" : `one of ${known}, with or without ,LEVEL`;
  throw new WickError(
    "USAGE",
    `Cannot compress ${format} with "${sanitise(compression)}": wanted ${wanted}`,
  );
}

/** The kernel's build compresses what it makes of a list. */
function noCompression(compression: string | undefined): undefined {
  if (compression === undefined || compression === "none") return undefined;
  throw new WickError(
    "USAGE",
    `Cannot compress ${LIST_FORMAT} with "${sanitise(compression)}": it is a list with files as they are`,
    { hint: "the kernel's CONFIG_INITRAMFS_COMPRESSION_… says how its build compresses it" },
  );
}

function suffixCompression({ output = "" }: Given, format: ImageFormat): Compression | undefined {
  // All of it is in memory at first; about every kernel unpacks this.
  if (format === "kernel") return { name: "gzip", level: undefined };
  if (format !== "initramfs") return undefined;
  const suffix = /\.([a-z0-9]+)$/.exec(output)?.[1] ?? "";
  if (!Object.hasOwn(initramfsSuffixes, suffix)) return undefined;
  return { name: initramfsSuffixes[suffix as keyof typeof initramfsSuffixes], level: undefined };
}

/** Why a format has no room of its own, by format. */
const noRoom = {
  erofs: "it is read-only and as large as its contents",
  squashfs: "it is read-only and as large as its contents",
  initramfs: "it is unpacked into memory and as large as its contents",
  kernel: "what is in it is unpacked into memory and as large as its contents",
} as const;

/** Refuses what only ext4 has; USAGE. */
export function checkFormatOptions(given: Given, format: ImageFormat): void {
  if (format === "ext4") return;
  const options = [
    ...(given.size === undefined ? [] : ["--size"]),
    ...(given.journal === false ? ["--no-journal"] : []),
  ];
  if (options.length > 0) {
    throw new WickError(
      "USAGE",
      `Cannot make ${format} with ${options.join(" and ")}: ${noRoom[format]}`,
      { hint: "--format ext4 has both" },
    );
  }
  if (format !== "erofs" && given.label?.some((text) => !text.includes("=")) === true) {
    throw new WickError("USAGE", `Cannot label ${format}: it has no volume label`, {
      hint: "a label of the image is KEY=VALUE",
    });
  }
  if (given.root === "copy") throw refuseCopy(format);
}

/** `--root copy` is a root that is written to. */
export function refuseCopy(format: ImageFormat): WickError {
  if (format === "initramfs" || format === "kernel") {
    return new WickError(
      "USAGE",
      "Cannot run an initramfs with --root copy: its root is in memory, new at each start",
      { hint: "leave --root out" },
    );
  }
  return new WickError(
    "USAGE",
    `Cannot run ${format} with --root copy: it cannot be written to, wanted overlay or ro`,
    { hint: "--root overlay, the default, keeps the changes on a drive of their own" },
  );
}
