import type { Readable } from "node:stream";
import { WickError } from "../errors/index.ts";
import { hostError } from "./host-error.ts";
import { throwIfAborted } from "./files.ts";

/** This process's standard input to its end; a terminal is refused. */
export async function* readStandardInput(
  signal?: AbortSignal,
  stdin: Readable & { readonly isTTY?: boolean } = process.stdin,
): AsyncGenerator<Uint8Array> {
  if (stdin.isTTY === true) {
    throw new WickError("USAGE", "Cannot read the standard input: it is a terminal", {
      hint: "pipe the archive in, as in: tar -c . | wick build tar:-",
    });
  }
  // A read that waits for ever is given up.
  const stop = (): void => void stdin.destroy();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    throwIfAborted(signal);
    yield* stdin as AsyncIterable<Uint8Array>;
    throwIfAborted(signal);
  } catch (error) {
    throwIfAborted(signal);
    throw hostError(error, "read the standard input");
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}
