import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { compressions, type Compression, type ImageFormat } from "./image-formats.ts";

/** What the user says about the image's format. */
interface Given {
  readonly format?: ImageFormat | undefined;
  readonly output?: string | undefined;
  readonly compression?: string | undefined;
  readonly size?: string | undefined;
  readonly journal?: boolean | undefined;
  readonly label?: readonly string[] | undefined;
  readonly root?: string | undefined;
}

/** Names of files that say which format is meant. */
const suffixes: readonly (readonly [RegExp, ImageFormat])[] = [
  [/\.erofs$/, "erofs"],
  [/\.(squashfs|sqfs)$/, "squashfs"],
];

/** The format that was asked for, else the one that the output's name says, else ext4. */
export function formatOf({ format, output = "" }: Given): ImageFormat {
  return format ?? suffixes.find(([suffix]) => suffix.test(output))?.[1] ?? "ext4";
}

/** `NAME` or `NAME,LEVEL`, as mkfs.erofs has it; USAGE when the format does not know it. */
export function compressionOf(given: Given, format: ImageFormat): Compression | undefined {
  const { compression } = given;
  if (compression === undefined) return undefined;
  const [, name = "", level] = /^([a-z0-9]+)(?:,(\d{1,2}))?$/.exec(compression) ?? [];
  if (compressions[format].includes(name)) {
    return { name, level: level === undefined ? undefined : Number(level) };
  }
  const known = compressions[format].join(", ");
  const wanted = known === "" ? "erofs or squashfs" : `one of ${known}, with or without ,LEVEL`;
  throw new WickError(
    "USAGE",
    `Cannot compress ${format} with "${sanitise(compression)}": wanted ${wanted}`,
  );
}

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
      `Cannot make ${format} with ${options.join(" and ")}: it is read-only and as large as its contents`,
      { hint: "--format ext4 has both" },
    );
  }
  if (format === "squashfs" && given.label?.some((text) => !text.includes("=")) === true) {
    throw new WickError("USAGE", "Cannot label a squashfs: it has no volume label", {
      hint: "a label of the image is KEY=VALUE",
    });
  }
  if (given.root === "copy") throw refuseCopy(format);
}

/** `--root copy` is a root that is written to. */
export function refuseCopy(format: ImageFormat): WickError {
  return new WickError(
    "USAGE",
    `Cannot run ${format} with --root copy: it cannot be written to, wanted overlay or ro`,
    { hint: "--root overlay, the default, keeps the changes on a drive of their own" },
  );
}
