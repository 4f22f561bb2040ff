import { sanitise } from "../bytes/index.ts";
import { inflateBlob, inflateStream, type InflateOptions } from "../compression/index.ts";
import { WickError } from "../errors/index.ts";
import { readChunks, readStandardInput, realPath, statOf } from "../host/index.ts";
import { archiveLayer } from "./archive-layer.ts";
import { lookAtFile } from "./file-kind.ts";
import { finishedError } from "./finished-image.ts";
import type { Source, SourceContents } from "./source.ts";

/** The path that stands for the standard input. */
const STDIN = "-";

/**
 * A tar archive as one layer: `path` names the file (its magic number says how it is
 * compressed), or `-` the standard input, which can be played once.
 */
export function tarSource(reference: string, path: string): Source {
  return {
    reference,
    async open(signal) {
      return path === STDIN ? fromStdin(signal) : fromFile(path);
    },
  };
}

function fromStdin(signal: AbortSignal | undefined): SourceContents {
  const layer = archiveLayer("the standard input", (options) =>
    inflateStream(readStandardInput(options.signal ?? signal), options),
  );
  return { layers: [layer], identity: undefined, parts: [] };
}

function fromFile(path: string): SourceContents {
  const status = statOf(path);
  if (status === undefined) {
    throw new WickError("SOURCE_NOT_FOUND", `Cannot read ${sanitise(path)}: there is no such file`);
  }
  if (status.isDirectory()) {
    throw new WickError(
      "SOURCE_FAILED",
      `Cannot read ${sanitise(path)}: a directory, wanted a tar archive`,
      { hint: `for a directory: dir:${sanitise(path)}` },
    );
  }
  if (status.isFile()) refuseImage(path);
  const name = sanitise(path);
  // The user's own path may be a link; what is opened by name later on may not.
  const region = { path: realPath(path) ?? path, offset: 0, sizeBytes: status.size };
  // A pipe has no size, and can be read once.
  const open = status.isFile()
    ? (options: InflateOptions) => inflateBlob(region, options)
    : (options: InflateOptions) => inflateStream(readChunks(path, options.signal), options);
  return {
    layers: [archiveLayer(name, open)],
    identity: undefined,
    parts: [{ name, sizeBytes: status.size }],
  };
}

/** ext4 and EROFS begin with zeros, as an archive does that is empty: nobody means that one. */
function refuseImage(path: string): void {
  const kind = lookAtFile(path);
  if (kind === "ext4" || kind === "erofs") throw finishedError("image", path);
}
