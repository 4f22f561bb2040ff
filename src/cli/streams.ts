import { once } from "node:events";
import { WickError } from "../index.ts";
import { errorText } from "./fail.ts";

/** What a pipe says whose reader went away (`| head`), and a terminal that was closed. */
const NOBODY_READS = ["EPIPE", "EIO"];

/** Streams that nobody reads: Node lets its own two go on as if nothing had happened. */
const unread = new WeakSet<NodeJS.WriteStream>();

/**
 * A reader that went away ends the output quietly. A result that cannot be written is an error
 * that ends everything with `exitCode`; of messages that cannot be written nobody can be told.
 */
export function guardOutputs(exitCode: number): void {
  process.stderr.on("error", () => unread.add(process.stderr));
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (NOBODY_READS.includes(error.code ?? "")) {
      unread.add(process.stdout);
      return;
    }
    const is = error.code === "ENOSPC" ? "the disk is full" : error.message;
    const code = error.code === "ENOSPC" ? "DISK_FULL" : "IO";
    const failure = new WickError(code, `Cannot write to the standard output: ${is}`);
    process.stderr.write(errorText(failure, process.stderr));
    // oxlint-disable-next-line no-process-exit -- what is registered to be undone at exit is
    process.exit(exitCode);
  });
}

/** Writes and waits until there is room for more; false once nobody reads any longer. */
export async function writeOut(
  stream: NodeJS.WriteStream,
  chunk: Uint8Array | string,
): Promise<boolean> {
  if (unread.has(stream)) return false;
  if (!stream.write(chunk) && !unread.has(stream)) {
    // After a broken pipe no `drain` ever comes.
    const done = new AbortController();
    const { signal } = done;
    const waits = ["drain", "close"].map((event) => once(stream, event, { signal }));
    await Promise.race(waits).catch(() => undefined);
    done.abort();
    await Promise.allSettled(waits);
  }
  return !unread.has(stream);
}
