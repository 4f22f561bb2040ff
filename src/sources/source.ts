import type { AppConfig } from "../application/index.ts";
import type { Layer } from "../tree/index.ts";

/** An application's files and what is known of how it is started. */
export interface SourceContents {
  /** Lowest first; later ones win. */
  readonly layers: readonly Layer[];
  /** The config that the source itself carries (an image's, a recipe's); undefined: none. */
  readonly config?: AppConfig;
  /**
   * A last layer of this source, below whatever else is merged on top, that needs to see the
   * tree made so far: a recipe's accounts are appended to the /etc/passwd that is there.
   */
  readonly finish?: (read: ReadMerged) => Layer;
  /**
   * Text that changes whenever the contents do: part of the store's key. Undefined where only
   * reading everything would tell (a directory, a tar): the result is then not kept for reuse.
   */
  readonly identity: string | undefined;
  /** For the summary: packages with versions, file names. */
  readonly parts: readonly { readonly name: string; readonly sizeBytes: number }[];
  /** Upper bound of the contents in bytes where one is known (uncompressed sizes). */
  readonly maximumBytes?: number;
  /**
   * The names of each node in the source's own order, as it spells them: an initramfs of this
   * source alone is written so.
   */
  readonly order?: readonly (readonly Uint8Array[])[];
  /** Things the user should know, a sentence each: package lists that could not be refreshed. */
  readonly warnings?: readonly string[];
  /** Puts away what was kept on the host for the layers' sake; called once they have been played. */
  readonly release?: () => void;
}

/** The bytes of a file in the merged tree, links followed inside it; undefined: no such file. */
export type ReadMerged = (path: string) => Uint8Array | undefined;

/** A kind of source behind its prefix: `deb`, `dir`, `tar`. */
export interface Source {
  /** As the user wrote it. */
  readonly reference: string;
  open(signal?: AbortSignal): Promise<SourceContents>;
}
