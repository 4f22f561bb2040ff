import { basename, join } from "node:path";
import { sanitise, utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import {
  FileStorage,
  randomName,
  readSmallFile,
  removeIfEmpty,
  removePath,
  statOf,
} from "../host/index.ts";
import { ownDirectory, type StoreLayout } from "./layout.ts";
import { claimTap, removeClaimedTap, type TapClaim, type TapRecord } from "./tap-claims.ts";
import { makeTemporary } from "./temporary-file.ts";

/** A path is short; what is longer is no claim of ours. */
const CLAIM_MAX_BYTES = 1 << 16;

/** What is claimed. */
interface Claim {
  /** A temporary outside the store, removed with all that is in it. */
  readonly path: string;
  /** A directory that the kernel makes and fills itself, as a cgroup: removed once it is empty. */
  readonly group?: string | undefined;
}

/** Names that wick's temporaries outside the store have: of a run, and beside an output. */
const CLAIMED_NAME = /^wick-[\w.-]+$|^\..*\.wick-[0-9a-f]+\.tmp$/;

/**
 * Records that a temporary is this process's: once nobody holds the record's lock any more, the
 * next command removes both.
 */
export async function claimPath(layout: StoreLayout, claimed: Claim): Promise<Disposable> {
  const claim = await makeTemporary(() => nextClaim(layout));
  try {
    writeRecord(claim.path, claimed);
    return claim;
  } catch (error) {
    claim[Symbol.dispose]();
    throw error;
  }
}

/** The same for a TAP that is to be made. */
export function claimTapIn(layout: StoreLayout): Promise<TapClaim> {
  return claimTap(() => nextClaim(layout), writeRecord);
}

function nextClaim(layout: StoreLayout): string {
  ownDirectory(layout.tmp);
  return join(layout.tmp, `wick-${randomName()}.claim`);
}

function writeRecord(path: string, record: object): void {
  using storage = new FileStorage(path, "update");
  storage.writeAt(utf8(JSON.stringify(record)), 0);
}

/** Removes what a claim that nobody holds any more names. Fails where something of it stays. */
export function removeClaimed(claim: string): void {
  const { path, group, ...tap } = readClaim(claim);
  removeClaimedTap(tap);
  if (path !== undefined) removePath(path);
  if (group === undefined) return;
  removeIfEmpty(group);
  if (statOf(group) !== undefined) throw new WickError("IN_USE", `${sanitise(group)} is in use`);
}

/** Whatever a damaged record says, only what has such a name is removed. */
function readClaim(claim: string): Partial<Claim & TapRecord> {
  try {
    const text = Buffer.from(readSmallFile(claim, CLAIM_MAX_BYTES)).toString();
    const record = JSON.parse(text) as Record<string, unknown>;
    const { path, group, ...others } = record;
    const texts = Object.entries(others).filter(([, value]) => typeof value === "string");
    return {
      ...Object.fromEntries(texts),
      ...(isClaimed(path) ? { path } : {}),
      ...(isClaimed(group) ? { group } : {}),
    };
  } catch {
    return {}; // its owner ended before it was written, and so before the temporary was made
  }
}

function isClaimed(path: unknown): path is string {
  return typeof path === "string" && path.startsWith("/") && CLAIMED_NAME.test(basename(path));
}
