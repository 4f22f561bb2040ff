import { isWickError } from "../errors/index.ts";
import { wickDirectories } from "../host/index.ts";
import { openStore, type Store } from "../store/index.ts";
import type { Context } from "./context.ts";

/** The store while a command works with it. */
export interface StoreInUse extends Disposable {
  /** Undefined where it cannot be used: what needs none is built without. */
  readonly store: Store | undefined;
}

/**
 * Opens wick's store, so that nobody removes from it what this command is about to use. Without
 * a place for it, or locks, a source of the host's own is built all the same; a source that needs
 * the store meets the same error and tells it.
 */
export async function storeInUse(context: Context): Promise<StoreInUse> {
  try {
    const store = openStore({ directory: wickDirectories(context.environment).cache });
    const lock = await store.use(context.signal);
    return { store, [Symbol.dispose]: () => lock[Symbol.dispose]() };
  } catch (error) {
    if (!isWickError(error) || error.code === "INTERRUPTED") throw error;
    if (isWickError(error, "TOOL_MISSING", "UNSUPPORTED")) {
      const message = `nothing is kept for the next time. ${error.message}`;
      context.onEvent({ type: "warning", message });
    }
    return { store: undefined, [Symbol.dispose]: () => undefined };
  }
}
