import type { PublishOptions } from "../../host/index.ts";
import type { Context } from "./context.ts";
import { withStore } from "./with-store.ts";

/**
 * Does `work`, which needs the store for nothing but its outputs' temporaries: claimed in it,
 * they are removed by the next command should this one be killed. Where no store is to be had
 * nothing is claimed, and not a word said: that takes nothing from who writes a file.
 */
export function withClaims<T>(
  context: Context,
  work: (claim: PublishOptions["claim"]) => Promise<T>,
): Promise<T> {
  const quiet: Context = { ...context, onEvent: () => undefined };
  return withStore(quiet, (store) => work(store && ((temporary) => store.claim(temporary))));
}
