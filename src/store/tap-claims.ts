import { basename } from "node:path";
import { WickError } from "../errors/index.ts";
import { bootId, randomName, readSymlink, removeTap, undoAtExit } from "../host/index.ts";
import { makeLocked, tryRemove } from "./temporary-file.ts";

/** Of wick's own TAPs. */
const TAP_NAME = /^wick-[0-9a-f]{8}$/;

/** The TAP of a machine, which goes when it is disposed. */
export interface TapClaim extends Disposable {
  readonly name: string;
  /** What is to be written on it: by that alone is it known as this claim's. */
  readonly alias: string;
}

/** What a claim's file says of a TAP. */
export interface TapRecord {
  readonly tap: string;
  readonly alias: string;
  /** Where it is: a device has a name in one network of one boot. */
  readonly boot: string;
  readonly network: string;
}

/**
 * Claims a TAP that is to be made, under a name that nobody has by chance, in a file that `write`
 * fills. Disposing it removes the TAP; where that fails the file stays, for the next command.
 */
export async function claimTap(
  nextPath: () => string,
  write: (path: string, record: TapRecord) => void,
): Promise<TapClaim> {
  const lock = await makeLocked(nextPath);
  const name = `wick-${randomName().slice(0, 8)}`;
  const alias = `wick machine (${basename(lock.path)})`;
  const remove = (): void => {
    if (removeTap({ name, alias })) tryRemove(lock.path);
  };
  const forget = undoAtExit(remove);
  const dispose = (): void => {
    remove();
    forget();
    lock[Symbol.dispose]();
  };
  try {
    write(lock.path, { tap: name, alias, ...here() });
    return { name, alias, [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

function here(): Pick<TapRecord, "boot" | "network"> {
  return { boot: bootId() ?? "", network: readSymlink("/proc/self/ns/net") ?? "" };
}

/** Removes the TAP of a claim that nobody holds any more. Fails where it stays. */
export function removeClaimedTap({ tap, alias, boot, network }: Partial<TapRecord>): void {
  const { boot: thisBoot, network: thisNetwork } = here();
  // Whatever a damaged record says, only what has such a name is removed.
  if (tap === undefined || alias === undefined || !TAP_NAME.test(tap)) return;
  if (boot !== thisBoot) return;
  if (network === thisNetwork && removeTap({ name: tap, alias })) return;
  throw new WickError("IN_USE", `${tap} is another network's, or this user may not remove it`);
}
