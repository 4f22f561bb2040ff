import { isWickError } from "../../errors/index.ts";
import { publish, readChunks } from "../../host/index.ts";

/**
 * Writes Firecracker's metrics, which lie at `from`, to the user's file, whole or not at all.
 * Never fails: the application's end is what counts. Returns a warning where it could not.
 */
export async function keepMetrics(from: string, to: string): Promise<string | undefined> {
  try {
    await publish(to, async (storage) => {
      let position = 0;
      for await (const chunk of readChunks(from)) {
        storage.writeAt(chunk, position);
        position += chunk.length;
      }
    });
    return undefined;
  } catch (error) {
    if (!isWickError(error)) throw error;
    return `Firecracker's metrics are not kept: ${error.message}`;
  }
}
