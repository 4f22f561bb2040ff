import * as v from "valibot";
import { isWickError } from "../errors/index.ts";
import { statExactly } from "../host/index.ts";

/** What lstat(2) says of a file that is not written any more: whoever writes it changes this. */
export interface FileState {
  readonly dev: string;
  readonly ino: string;
  readonly sizeBytes: number;
  readonly mtimeNs: string;
  readonly ctimeNs: string;
}

export const fileStateEntries = {
  dev: v.string(),
  ino: v.string(),
  sizeBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  mtimeNs: v.string(),
  ctimeNs: v.string(),
} as const;

/** The state of the regular file at `path`; undefined when there is none. */
export function stateOf(path: string): FileState | undefined {
  try {
    const status = statExactly(Buffer.from(path));
    if (!status.isFile()) return undefined;
    return {
      dev: `${status.dev}`,
      ino: `${status.ino}`,
      sizeBytes: Number(status.size),
      mtimeNs: `${status.mtimeNs}`,
      ctimeNs: `${status.ctimeNs}`,
    };
  } catch (error) {
    if (isWickError(error, "SOURCE_NOT_FOUND")) return undefined;
    throw error;
  }
}

/** Whether nobody wrote, replaced or renamed the file meanwhile. */
export function isSameState(a: FileState | undefined, b: FileState): boolean {
  return (
    a !== undefined &&
    a.dev === b.dev &&
    a.ino === b.ino &&
    a.sizeBytes === b.sizeBytes &&
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs
  );
}
