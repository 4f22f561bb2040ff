import { display, sanitise } from "../../bytes/index.ts";
import { decompress } from "../../compression/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import type { WantedPlatform } from "../../formats/oci/index.ts";
import { TarReader } from "../../formats/tar/index.ts";
import { readChunks, realPath, statOf } from "../../host/index.ts";
import type { Store } from "../../store/index.ts";
import { lookAtFile } from "../file-kind.ts";
import { finishedError, holdsInitramfs } from "../finished-image.ts";
import type { Entry, LayerVisitor } from "../../tree/index.ts";
import { imageContents } from "../image/index.ts";
import type { Source, SourceContents } from "../source.ts";
import { tarSource } from "../tar.ts";
import { directoryFiles } from "./directory-files.ts";
import { isDockerArchive, openDockerArchive } from "./docker-archive.ts";
import type { ImageFiles } from "./image-files.ts";
import { isLayout, openLayout, type Wanted } from "./oci-layout.ts";
import { archiveBytes, spool } from "./spooled.ts";
import { tarFiles } from "./tar-files.ts";

/** What images in files need of their surroundings. */
export interface ImageFileOptions {
  readonly store: Store;
  readonly platform: WantedPlatform;
}

/** A layout or an archive as written. */
export interface ImagePath {
  readonly reference: string;
  /** Absolute, or `-` for an archive from the standard input. */
  readonly rest: string;
  readonly tag?: string;
}

const BLOCK = 512;

export type ArchiveKind = "docker-archive" | "oci-archive";

/** An OCI image layout in a directory. */
export function layoutSource(path: ImagePath, { platform }: ImageFileOptions): Source {
  const { reference, rest, tag } = path;
  return {
    reference,
    async open(signal) {
      const directory = realPath(rest);
      if (directory === undefined || statOf(directory)?.isDirectory() !== true) {
        throw noLayout(rest, directory !== undefined);
      }
      const wanted = { reference: sanitise(reference), tag, platform };
      return imageContents(await openLayout(directoryFiles(directory), wanted, signal));
    },
  };
}

/** An image in an archive: a file, compressed or not, or the standard input. */
export function archiveSource(
  path: ImagePath & { readonly kind: ArchiveKind },
  options: ImageFileOptions,
): Source {
  const { reference, rest, tag, kind } = path;
  return {
    reference,
    async open(signal) {
      const wanted = { reference: sanitise(reference), tag, platform: options.platform };
      return openArchive({ kind, path: rest, wanted }, options, signal);
    },
  };
}

/**
 * What lies in a tar file that was named by its path alone: an image where its first name is
 * one that image archives begin with, and else a root file system.
 */
export function guessedSource(reference: string, path: string, options: ImageFileOptions): Source {
  return {
    reference,
    async open(signal) {
      const plain = tarSource(reference, path);
      const isImage = await beginsAsImage(path, signal).catch(async (error: unknown) => {
        const isNoTar = isWickError(error, "ARCHIVE_INVALID");
        throw isNoTar && (await holdsInitramfs(path, signal))
          ? finishedError("image", reference)
          : error;
      });
      if (!isImage) return plain.open(signal);
      const wanted = { reference: sanitise(reference), platform: options.platform };
      const opened = await openArchive({ kind: undefined, path, wanted }, options, signal);
      return opened ?? plain.open(signal);
    },
  };
}

/** An archive and what is wanted of it; without a kind, whatever it is. */
interface ArchiveRequest<K extends ArchiveKind | undefined> {
  readonly kind: K;
  readonly path: string;
  readonly wanted: Wanted;
}

type Opened<K> = K extends undefined ? SourceContents | undefined : SourceContents;

/** Opens the archive's image; undefined where it holds none and need not. */
export async function openArchive<K extends ArchiveKind | undefined>(
  { kind, path, wanted }: ArchiveRequest<K>,
  options: ImageFileOptions,
  signal?: AbortSignal,
): Promise<Opened<K>> {
  const name = path === "-" ? "the standard input" : sanitise(path);
  // Links of /proc to pipes, as <(docker save app) gives one, stand for no path.
  const isFile = path !== "-" && statOf(path)?.isFile() === true;
  const real = isFile ? (realPath(path) ?? path) : path;
  const request = { kind, name, wanted };
  if (!isInPlace(real)) return openStream(archiveBytes(real, signal), request, options, signal);
  return (await openFiles(tarFiles(real, name), request, signal)) as Opened<K>;
}

/** An archive whose bytes are read once, into a temporary file. */
export async function openStream<K extends ArchiveKind | undefined>(
  chunks: AsyncIterable<Uint8Array>,
  request: { readonly kind: K; readonly name: string; readonly wanted: Wanted },
  { store }: ImageFileOptions,
  signal?: AbortSignal,
): Promise<Opened<K>> {
  const { name } = request;
  const temporary = await spool(chunks, { store, name, signal });
  const release = (): void => temporary[Symbol.dispose]();
  try {
    const contents = await openFiles(tarFiles(temporary.path, name), request, signal);
    if (contents === undefined) release();
    return (contents && { ...contents, release }) as Opened<K>;
  } catch (error) {
    release();
    throw error;
  }
}

/** An uncompressed file is read where it lies. */
function isInPlace(path: string): boolean {
  return path !== "-" && statOf(path)?.isFile() === true && lookAtFile(path) !== "compressed";
}

async function openFiles(
  files: ImageFiles,
  { kind, wanted }: { readonly kind: ArchiveKind | undefined; readonly wanted: Wanted },
  signal: AbortSignal | undefined,
): Promise<SourceContents | undefined> {
  const isDocker = isDockerArchive(files);
  const isOci = isLayout(files);
  if (kind === undefined && !isDocker && !isOci) return undefined;
  const asDocker = kind === undefined ? isDocker && !isOci : kind === "docker-archive";
  if (asDocker ? !isDocker : !isOci) throw otherKind(files, asDocker ? isOci : isDocker, asDocker);
  return imageContents(
    asDocker ? openDockerArchive(files, wanted) : await openLayout(files, wanted, signal),
  );
}

/** The names that archives of images begin with, whoever wrote them. */
const IMAGE_NAMES =
  /^(\.\/?|(\.\/)?(blobs|oci-layout|index\.json|manifest\.json|repositories|[0-9a-f]{64}(\.(json|tar|tar\.gz))?)(\/.*)?)$/;

/** Looks at the first name beside that of the root. */
async function beginsAsImage(path: string, signal: AbortSignal | undefined): Promise<boolean> {
  const first = new FirstName();
  const reader = new TarReader(first);
  const shown = sanitise(path);
  for await (const chunk of decompress(readChunks(path, signal), { name: shown, signal })) {
    for (let at = 0; at < chunk.length && !first.isKnown; at += BLOCK) {
      reader.push(chunk.subarray(at, at + BLOCK));
    }
    if (first.isKnown) return IMAGE_NAMES.test(first.name);
  }
  return false;
}

class FirstName implements LayerVisitor {
  name = "";

  get isKnown(): boolean {
    return this.name !== "";
  }

  entry({ path }: Entry): void {
    const text = display(path);
    if (!this.isKnown && text !== "." && text !== "./") this.name = text;
  }

  data(): void {}
  hole(): void {}
  endFile(): void {}
  warn(): void {}
}

function noLayout(path: string, isThere: boolean): WickError {
  const shown = sanitise(path);
  const is = isThere ? "it is no directory" : "there is no such directory";
  return new WickError("SOURCE_NOT_FOUND", `Cannot use the layout ${shown}: ${is}`, {
    hint: isThere
      ? `for an archive: oci-archive:${shown}`
      : "a path is relative to the current directory",
  });
}

function otherKind(files: ImageFiles, isOther: boolean, asDocker: boolean): WickError {
  const [missing, other] = asDocker
    ? ["manifest.json, as docker save writes it", "oci-archive:"]
    : ["oci-layout", "docker-archive:"];
  return new WickError("IMAGE_INVALID", `Cannot use ${files.name}: it has no ${missing}`, {
    hint: isOther ? `it is for ${other}` : "a root file system in an archive: tar:",
  });
}
