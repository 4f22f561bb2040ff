import type { Environment } from "../../host/index.ts";
import type { ProgressListener } from "./progress.ts";

/** What an operation is given of the world: the library takes none of it by itself. */
export interface Context {
  /** PATH is the process's own; HOME, XDG_*, WICK_*, SOURCE_DATE_EPOCH and `-e NAME` come from here. */
  readonly environment: Environment;
  /** Relative paths are relative to this. */
  readonly workingDirectory: string;
  readonly signal?: AbortSignal;
  readonly onEvent: ProgressListener;
}
