import type { ReadableStorage } from "../../../bytes/index.ts";

/** A regular file as the dynamic linker opens it. */
export interface LinkerFile {
  /** Two names of one file have the same; of a directory of the host, its path without links. */
  readonly realPath: string;
  /** Lends the contents for the time of the call. */
  read<T>(use: (contents: ReadableStorage) => T): T;
}

/** Where a program's libraries are looked for: a directory of the host, or the tree of an image. */
export interface LinkerRoot {
  /** The regular file at an absolute path; links are followed and never lead out of the root. */
  find(path: string): LinkerFile | undefined;
  /** Names in a directory, sorted; none where there is no directory. */
  list(path: string): readonly string[];
}
