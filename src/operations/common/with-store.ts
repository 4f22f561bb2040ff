import { sanitise } from "../../bytes/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import { type Environment, wickDirectories, type FileLock } from "../../host/index.ts";
import { openStore, type Store } from "../../store/index.ts";
import type { Context } from "./context.ts";

/**
 * Does `work` with wick's store, so that nobody removes from it what this command is about to
 * use. Without a place for it, or locks, there is none: a source of the host's own is built all
 * the same; a source that needs the store meets the same error and tells it. When the disk fills,
 * what was fetched for this goes again.
 */
export async function withStore<T>(
  context: Context,
  work: (store: Store | undefined) => Promise<T>,
): Promise<T> {
  const { store, lock } = await openInUse(context);
  try {
    return await work(store);
  } catch (error) {
    if (isWickError(error, "DISK_FULL") && lock !== undefined) await store?.giveBack(lock);
    throw withPlace(error, context);
  } finally {
    lock?.[Symbol.dispose]();
  }
}

/** Says with an error about a file of the store's how to have it elsewhere. */
function withPlace(error: unknown, { environment }: Context): unknown {
  if (!isWickError(error, "PERMISSION", "IO", "SOURCE_NOT_FOUND")) return error;
  const cache = cacheOf(environment);
  if (cache === undefined || error.hint !== undefined || !error.message.includes(`${cache}/`)) {
    return error;
  }
  const { code, message, detail } = error;
  const hint =
    "WICK_CACHE names another directory for what wick keeps, as XDG_CACHE_HOME and HOME do";
  return new WickError(code, message, { cause: error, detail, hint });
}

/** As errors show it; undefined where no place is named. */
function cacheOf(environment: Environment): string | undefined {
  try {
    return sanitise(wickDirectories(environment).cache);
  } catch (error) {
    if (isWickError(error)) return undefined;
    throw error;
  }
}

async function openInUse(
  context: Context,
): Promise<{ readonly store?: Store; readonly lock?: FileLock }> {
  try {
    const store = openStore({ directory: wickDirectories(context.environment).cache });
    return { store, lock: await store.use(context.signal) };
  } catch (error) {
    if (!isWickError(error) || error.code === "INTERRUPTED") throw error;
    if (isWickError(error, "TOOL_MISSING", "UNSUPPORTED")) {
      const message = `nothing is kept for the next time. ${error.message}`;
      context.onEvent({ type: "warning", message });
    }
    return {};
  }
}
