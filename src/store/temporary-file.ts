import { removePath, tryLockFile, undoAtExit, type FileLock } from "../host/index.ts";

/** A file of the store's that is ours alone, and goes when it is disposed or we end. */
export interface TemporaryFile extends Disposable {
  readonly path: string;
}

/** Removes the locked file with its lock. What cannot be removed is left to the next sweep. */
export function temporaryOf(lock: FileLock): TemporaryFile {
  const { path } = lock;
  // Once it is published, another one may come under its former name: that is not ours.
  const remove = (): void => {
    try {
      if (lock.isCurrent()) removePath(path);
    } catch {
      // Left to the next sweep.
    }
  };
  const done = undoAtExit(remove);
  return {
    path,
    [Symbol.dispose]() {
      remove();
      done();
      lock[Symbol.dispose]();
    },
  };
}

/** A new temporary file under the name that `nextPath` gives. */
export async function makeTemporary(nextPath: () => string): Promise<TemporaryFile> {
  return temporaryOf(await makeLocked(nextPath));
}

/** A new, locked file that its owner removes himself. */
export async function makeLocked(nextPath: () => string): Promise<FileLock> {
  for (;;) {
    const lock = await tryLockFile(nextPath(), { mode: "exclusive" });
    // Undefined where a sweeper was faster: it takes this name away.
    if (lock !== undefined) return lock;
  }
}

/** Removes what a user never asked to be removed: a failure is no one's. */
export function tryRemove(path: string): void {
  try {
    removePath(path);
  } catch {
    // Left to the next sweep.
  }
}
