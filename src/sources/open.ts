import { WickError } from "../errors/index.ts";
import { type DebArchitecture, debSource, type FetchProgress } from "./deb/index.ts";
import { directorySource } from "./directory.ts";
import type { Owner } from "./owner.ts";
import type { ParsedSource } from "./parse.ts";
import type { Source } from "./source.ts";
import { tarSource } from "./tar.ts";

/** What sources need of their surroundings. */
export interface SourceOptions {
  /** wick's cache: package lists and packages are kept in it. */
  readonly cacheDirectory: string;
  /** The machine's architecture. */
  readonly architecture: "x86_64" | "aarch64";
  /** Owners of a directory's files in the image. */
  readonly owner?: Owner | undefined;
  /** Fetch package lists anew. */
  readonly refresh?: boolean | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
}

const debArchitectures: Readonly<Record<SourceOptions["architecture"], DebArchitecture>> = {
  x86_64: "amd64",
  aarch64: "arm64",
};

/** The source behind what `parseSource` understood; nothing is read before its `open`. */
export function openSource(parsed: ParsedSource, options: SourceOptions): Source {
  const { kind, rest, reference } = parsed;
  switch (kind) {
    case "deb":
      return debSource(reference, rest, {
        cacheDirectory: options.cacheDirectory,
        arch: debArchitectures[options.architecture],
        refresh: options.refresh,
        onProgress: options.onProgress,
      });
    case "dir":
      return directorySource(reference, rest, { owner: options.owner });
    case "tar":
      return tarSource(reference, rest);
    case "image":
      throw new WickError(
        "UNSUPPORTED",
        `Cannot take the files of ${reference}: a finished image, wanted a source to build from`,
        { hint: "an image can be run and inspected as it is" },
      );
  }
}
