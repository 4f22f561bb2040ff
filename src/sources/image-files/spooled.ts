import { decompress } from "../../compression/index.ts";
import { readChunks, readStandardInput } from "../../host/index.ts";
import type { SpoolFile, Store } from "../../store/index.ts";

/** Writes plain bytes of `chunks`, which may be compressed, into a new temporary file. */
export async function spool(
  chunks: AsyncIterable<Uint8Array>,
  { store, name, signal }: { store: Store; name: string; signal?: AbortSignal | undefined },
): Promise<SpoolFile> {
  const file = await store.spool();
  try {
    for await (const chunk of decompress(chunks, { name, signal })) file.write(chunk);
    return file;
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}

/** An archive's bytes: of the file, or of the standard input for `-`. */
export function archiveBytes(path: string, signal?: AbortSignal): AsyncIterable<Uint8Array> {
  return path === "-" ? readStandardInput(signal) : readChunks(path, signal);
}
