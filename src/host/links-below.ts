import { readdirSync } from "node:fs";
import { join } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { checkFault } from "./faults.ts";
import { throwIfAborted } from "./files.ts";
import { hostError } from "./host-error.ts";
import { letOthersRun } from "./walk.ts";

/** Names below one directory that are more than a folder of sources should have. */
const ENTRY_LIMIT = 2_000_000;
const ENTRIES_A_TURN = 10_000;

/** Paths of all symbolic links below `directory`, none of them followed. */
export async function* linksBelow(directory: string, signal?: AbortSignal): AsyncGenerator<string> {
  const pending = [directory];
  let seen = 0;
  let turn = 0;
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    for (const entry of entriesOf(at)) {
      if (entry.isDirectory()) pending.push(join(at, entry.name));
      else if (entry.isSymbolicLink()) yield join(at, entry.name);
      seen++;
    }
    if (seen > ENTRY_LIMIT) throw tooMany(directory);
    if (seen - turn < ENTRIES_A_TURN) continue;
    turn = seen;
    await letOthersRun();
    throwIfAborted(signal);
  }
}

function entriesOf(directory: string) {
  try {
    checkFault("readdir", directory);
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    throw hostError(error, `list ${sanitise(directory)}`);
  }
}

function tooMany(directory: string): WickError {
  return new WickError(
    "IO",
    `Cannot search ${sanitise(directory)}: it has more than ${ENTRY_LIMIT} entries`,
  );
}
