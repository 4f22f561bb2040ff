import { isWickError, WickError } from "../errors/index.ts";
import type { ReadListEntry } from "../formats/initramfs-list/index.ts";

/** Does `act` for an entry: neither the tree nor the host knows which line it is. */
export function inLine<T>({ line }: ReadListEntry, where: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!isWickError(error)) throw error;
    const { code, message, hint } = error;
    const details = { cause: error, ...(hint === undefined ? {} : { hint }) };
    throw new WickError(code, `${message} (line ${line} of ${where})`, details);
  }
}
