import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { undoAtExit } from "./cleanup.ts";
import { checkFault } from "./faults.ts";
import { hostError } from "./host-error.ts";

/** Begins the name of every temporary of ours, so that leaks can be told from strangers' files. */
export const TEMPORARY_PREFIX = "wick-";

/** A few random characters for a name that nobody else chose. */
export function randomName(): string {
  return randomBytes(6).toString("hex");
}

/** A private (0700) directory that goes away with its owner. */
export interface TemporaryDirectory extends Disposable {
  readonly path: string;
}

/** Makes a private directory below `parent` (the system's by default) under an unguessable name. */
export function temporaryDirectory(purpose: string, parent?: string): TemporaryDirectory {
  return makeTemporary(temporaryPath(purpose, parent));
}

/** Where {@link makeTemporary} may make one: absolute, and nothing is there. */
export function temporaryPath(purpose: string, parent?: string): string {
  // TMPDIR may be relative; the machine's monitor takes absolute paths alone.
  const above = resolve(parent ?? tmpdir());
  return join(above, `${TEMPORARY_PREFIX}${purpose}-${randomName()}`);
}

export function makeTemporary(path: string): TemporaryDirectory {
  const above = dirname(path);
  try {
    checkFault("mkdir", above);
    mkdirSync(path, { mode: 0o700 });
    chmodSync(path, 0o700);
    const remove = (): void => rmSync(path, { recursive: true, force: true });
    const done = undoAtExit(remove);
    return {
      path,
      [Symbol.dispose]() {
        remove();
        done();
      },
    };
  } catch (error) {
    throw hostError(error, `make a temporary directory in ${sanitise(above)}`);
  }
}
