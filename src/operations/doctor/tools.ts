import { findProgram } from "../../host/index.ts";
import type { DoctorLine } from "./line.ts";

/** A program of the host's that wick runs for one thing. */
interface Tool {
  readonly name: string;
  readonly purpose: string;
  readonly package: string;
  /** What is done without it; else that one thing cannot be done. */
  readonly without?: string;
}

const tools: readonly Tool[] = [
  {
    name: "apt-get",
    purpose: "deb: sources, and the distribution's kernel",
    package: "apt",
  },
  { name: "xz", purpose: "unpacks .xz", package: "xz-utils", without: "a library, slower" },
  {
    name: "zstd",
    purpose: "unpacks and makes .zst",
    package: "zstd",
    without: "a library unpacks, slower; none are made",
  },
  { name: "lz4", purpose: "unpacks and makes .lz4", package: "lz4" },
  { name: "bzip2", purpose: "unpacks .bz2", package: "bzip2" },
  {
    name: "mkfs.erofs",
    purpose: "compressed EROFS; plain ones are wick's own",
    package: "erofs-utils",
  },
  { name: "mksquashfs", purpose: "makes squashfs", package: "squashfs-tools" },
  { name: "unsquashfs", purpose: "looks into squashfs", package: "squashfs-tools" },
  {
    name: "flock",
    purpose: "locks of the store",
    package: "util-linux",
    without: "nothing is kept between commands",
  },
  {
    name: "setpriv",
    purpose: "machines end with wick, however it ends",
    package: "util-linux",
    without: "a shell that watches",
  },
];

/** Any one of them. */
const builders = ["docker", "buildctl", "buildah", "podman"];

/** The programs that sources and formats need. */
export function checkTools(): DoctorLine[] {
  return [...tools.map(toolLine), builderLine()];
}

function toolLine({ name, purpose, package: from, without }: Tool): DoctorLine {
  const path = findProgram(name);
  const line = { check: name, purpose, isNeeded: false };
  if (path !== undefined) return { ...line, state: "ok", found: path };
  const found = without === undefined ? "not installed" : `not installed; instead: ${without}`;
  const state = without === undefined ? "missing" : "warn";
  return { ...line, state, found, hint: `apt-get install ${from}` };
}

function builderLine(): DoctorLine {
  const found = builders.map((name) => findProgram(name)).filter((path) => path !== undefined);
  const line = { check: "a builder", purpose: "folders with a Dockerfile", isNeeded: false };
  if (found.length > 0) return { ...line, state: "ok", found: found.join(", ") };
  const hint = "apt-get install buildah";
  return { ...line, state: "missing", found: `none of ${builders.join(", ")}`, hint };
}
