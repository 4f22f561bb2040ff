import type { AppConfig } from "../application/index.ts";
import type { Layer } from "../tree/index.ts";

/** An application's files and what is known of how it is started. */
export interface SourceContents {
  /** Lowest first; later ones win. */
  readonly layers: readonly Layer[];
  /** The config that the source itself carries (an image's, a recipe's); undefined: none. */
  readonly config?: AppConfig;
  /** Text that changes whenever the contents do: part of the store's key. */
  readonly identity: string;
  /** For the summary: packages with versions, file names. */
  readonly parts: readonly { readonly name: string; readonly sizeBytes: number }[];
  /** Upper bound of the contents in bytes where one is known (uncompressed sizes). */
  readonly maximumBytes?: number;
}

/** A kind of source behind its prefix: `deb`, `dir`, `tar`. */
export interface Source {
  /** As the user wrote it. */
  readonly reference: string;
  open(signal?: AbortSignal): Promise<SourceContents>;
}
