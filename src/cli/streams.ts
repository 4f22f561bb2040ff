import { once } from "node:events";

/** A reader that went away (`| head`) ends the output quietly, without a stack trace. */
export function ignoreBrokenPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
}

/** Writes and waits until there is room for more; false once nobody reads any longer. */
export async function writeOut(
  stream: NodeJS.WriteStream,
  chunk: Uint8Array | string,
): Promise<boolean> {
  if (stream.destroyed) return false;
  if (!stream.write(chunk) && !stream.destroyed) {
    // After a broken pipe no `drain` ever comes.
    const done = new AbortController();
    const { signal } = done;
    const waits = ["drain", "close"].map((event) => once(stream, event, { signal }));
    await Promise.race(waits).catch(() => undefined);
    done.abort();
    await Promise.allSettled(waits);
  }
  return !stream.destroyed;
}
