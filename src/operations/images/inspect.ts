import { display } from "../../bytes/index.ts";
import type { ImageReader } from "../../formats/ext4/index.ts";
import { type Image, volumeOf } from "./file-system.ts";
import { configOf } from "./image-files.ts";
import type { PackedInspection } from "../packed/inspect-packed.ts";

/** What is inside an image. */
export interface Inspection {
  readonly path: string;
  /** Of a packed file that of its initramfs. */
  readonly format: string;
  readonly sizeBytes: number;
  /** What the file takes on the host's disk. */
  readonly allocatedBytes: number;
  /** Room that is left inside. */
  readonly freeBytes: number;
  readonly uuid: string;
  readonly label: string;
  /** In the words of mke2fs and dump.erofs. */
  readonly features: readonly string[];
  readonly state: string;
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
  readonly others: number;
  /** Contents of all files, each counted once. */
  readonly contentBytes: number;
  /** The biggest files first. */
  readonly biggest: readonly { readonly path: string; readonly sizeBytes: number }[];
  /** Undefined in an image that wick put no config into, or one that names no program. */
  readonly application:
    | {
        readonly argv: readonly string[];
        readonly env: readonly string[];
        readonly user: string | undefined;
        readonly workingDir: string | undefined;
        readonly ports: readonly string[];
        readonly stopSignal: string | undefined;
        readonly labels: Readonly<Record<string, string>>;
      }
    | undefined;
  /** Of a packed file: its parts. */
  readonly packed?: PackedInspection;
}

/** How many of the biggest files are listed. */
const BIGGEST = 10;

interface FileFacts {
  readonly path: string;
  readonly allocatedBytes: number;
}

/** Walks the whole image and sums it up. */
export function inspectImage(image: Image, file: FileFacts): Inspection {
  return {
    ...file,
    format: image.format,
    sizeBytes: image.sizeBytes,
    ...volumeOf(image),
    ...count(image),
    application: applicationOf(image),
  };
}

function count(image: ImageReader) {
  const sums = { files: 0, directories: 0, symlinks: 0, others: 0, contentBytes: 0 };
  const seen = new Set<number>();
  let biggest: { path: string; sizeBytes: number }[] = [];
  for (const { path, node } of image.walk()) {
    if (seen.has(node.id)) continue;
    seen.add(node.id);
    if (node.kind === "file") {
      const sizeBytes = image.stat(node).size;
      sums.files++;
      sums.contentBytes += sizeBytes;
      biggest = withBiggest(biggest, { path, sizeBytes });
    } else if (node.kind === "directory") sums.directories++;
    else if (node.kind === "symlink") sums.symlinks++;
    else sums.others++;
  }
  return { ...sums, biggest };
}

/** `biggest` with one more where it belongs, sizes falling; paths are made text only then. */
function withBiggest(
  biggest: { path: string; sizeBytes: number }[],
  next: { path: Uint8Array; sizeBytes: number },
): { path: string; sizeBytes: number }[] {
  const at = biggest.findIndex(({ sizeBytes }) => sizeBytes < next.sizeBytes);
  if (at < 0 && biggest.length >= BIGGEST) return biggest;
  const entry = { path: `/${display(next.path)}`, sizeBytes: next.sizeBytes };
  return biggest.toSpliced(at < 0 ? biggest.length : at, 0, entry).slice(0, BIGGEST);
}

function applicationOf(image: ImageReader): Inspection["application"] {
  const config = configOf(image);
  if (config === undefined) return undefined;
  const argv = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  if (argv.length === 0) return undefined;
  return {
    argv,
    env: config.Env ?? [],
    user: config.User,
    workingDir: config.WorkingDir,
    ports: Object.keys(config.ExposedPorts ?? {}),
    stopSignal: config.StopSignal,
    labels: config.Labels ?? {},
  };
}
