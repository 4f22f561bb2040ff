import { statSync } from "node:fs";

const files = new Set<string>();

/**
 * Remembers that this process is writing the files at `paths`, until what it gives is disposed:
 * a directory that holds one must not read it into itself. A path without a file is nothing.
 */
export function markBeingWritten(paths: readonly string[]): Disposable {
  const marked = paths
    .map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }))
    .filter((status) => status !== undefined)
    .map(identityOf)
    .filter((identity) => !files.has(identity));
  for (const identity of marked) files.add(identity);
  return {
    [Symbol.dispose]() {
      for (const identity of marked) files.delete(identity);
    },
  };
}

/** Whether the file of this status is one that this process is writing, or is about to replace. */
export function isBeingWritten(status: { readonly dev: bigint; readonly ino: bigint }): boolean {
  return files.has(identityOf(status));
}

function identityOf(status: { readonly dev: bigint; readonly ino: bigint }): string {
  return `${status.dev}:${status.ino}`;
}
