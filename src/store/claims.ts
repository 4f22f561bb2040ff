import { basename, join } from "node:path";
import { utf8 } from "../bytes/index.ts";
import { FileStorage, randomName, readSmallFile, removePath } from "../host/index.ts";
import { ownDirectory, type StoreLayout } from "./layout.ts";
import { makeTemporary } from "./temporary-file.ts";

/** A path is short; what is longer is no claim of ours. */
const CLAIM_MAX_BYTES = 1 << 16;

/** Names that wick's temporaries outside the store have: of a run, and beside an output. */
const CLAIMED_NAME = /^wick-[\w.-]+$|^\..*\.wick-[0-9a-f]+\.tmp$/;

/**
 * Records that the temporary at `path`, which lies outside the store, is this process's: once
 * nobody holds the record's lock any more, the next command removes both.
 */
export async function claimPath(layout: StoreLayout, path: string): Promise<Disposable> {
  ownDirectory(layout.tmp);
  const claim = await makeTemporary(() => join(layout.tmp, `wick-${randomName()}.claim`));
  try {
    using storage = new FileStorage(claim.path, "update");
    storage.writeAt(utf8(JSON.stringify({ path })), 0);
    return claim;
  } catch (error) {
    claim[Symbol.dispose]();
    throw error;
  }
}

/** Removes what a claim that nobody holds any more names. */
export function removeClaimed(claim: string): void {
  const path = claimedPath(claim);
  // Whatever a damaged record says, only what has such a name is removed.
  if (path !== undefined && CLAIMED_NAME.test(basename(path))) removePath(path);
}

function claimedPath(claim: string): string | undefined {
  try {
    const text = Buffer.from(readSmallFile(claim, CLAIM_MAX_BYTES)).toString();
    const { path } = JSON.parse(text) as { path?: unknown };
    return typeof path === "string" && path.startsWith("/") ? path : undefined;
  } catch {
    return undefined; // its owner ended before it was written, and so before the temporary was made
  }
}
