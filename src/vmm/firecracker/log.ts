import { isWickError } from "../../errors/index.ts";
import { LineTail, readSmallFile } from "../../host/index.ts";

/** A log that says more than this says nothing that helps, in bytes. */
const LOG_BYTES = 4 << 20;
const TAIL = { lines: 20, lineBytes: 1024 } as const;

/** The last lines of Firecracker's log, safe to show; none where it cannot be read. */
export function logTail(path: string): readonly string[] {
  const tail = new LineTail(TAIL);
  try {
    tail.add(readSmallFile(path, LOG_BYTES));
  } catch (error) {
    if (!isWickError(error)) throw error;
  }
  return tail.lines();
}
