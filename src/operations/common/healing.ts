import { isWickError, WickError } from "../../errors/index.ts";
import type { Store } from "../../store/index.ts";
import type { Context } from "./context.ts";

/**
 * Does `work`; where that finds a blob of the store damaged, which sets it aside, once more with
 * a fresh one (S3). STORE_DAMAGED when there is none to be had.
 */
export async function withHealing<T>(
  store: Store | undefined,
  context: Context,
  work: () => Promise<T>,
): Promise<T> {
  const before = store?.blobs.setAsideCount;
  try {
    return await work();
  } catch (error) {
    if (!isWickError(error, "DIGEST_MISMATCH") || store?.blobs.setAsideCount === before) {
      throw error;
    }
    const message = `${error.message}: it is set aside and fetched again`;
    context.onEvent({ type: "warning", message });
    return await again(work, error);
  }
}

async function again<T>(work: () => Promise<T>, damage: WickError): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isWickError(error, "REGISTRY_FAILED", "SOURCE_NOT_FOUND", "UNAUTHORIZED")) throw error;
    const { message, hint } = error;
    throw new WickError(
      "STORE_DAMAGED",
      `${damage.message}, and cannot have it again: ${message}`,
      { cause: error, ...(hint === undefined ? {} : { hint }) },
    );
  }
}
