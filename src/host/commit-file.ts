import { chmodSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { checkFault } from "./faults.ts";
import { hostError } from "./host-error.ts";
import { syncDirectory } from "./publish.ts";

/**
 * Gives a file, which its writer has synced, its mode and its final name in one step that lasts
 * through a power cut; what was at `to` gives way. If the disk does not confirm the name, it
 * goes again: a second sync that succeeds would prove nothing.
 */
export function commitFile(from: string, to: string, mode: number): void {
  try {
    checkFault("rename", to);
    chmodSync(from, mode);
    renameSync(from, to);
    confirm(to);
  } catch (error) {
    throw hostError(error, `store ${sanitise(to)}`);
  }
}

function confirm(path: string): void {
  try {
    syncDirectory(dirname(path));
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}
