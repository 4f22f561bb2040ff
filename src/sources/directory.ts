import { sanitise } from "../bytes/index.ts";
import { isWickError, WickError } from "../errors/index.ts";
import { currentUser, readXattrs, statOf } from "../host/index.ts";
import type { Layer } from "../tree/index.ts";
import { DirectoryWalk } from "./directory-walk.ts";
import { ownerRule, type Owner } from "./owner.ts";
import type { Source } from "./source.ts";

/** How a directory is read. */
export interface DirectoryOptions {
  /** Who owns the files in the image; by default what is the calling user's becomes 0:0. */
  readonly owner?: Owner | undefined;
}

/** The directory at `path` (absolute), with all that is on its file system, as one layer. */
export function directorySource(
  reference: string,
  path: string,
  options: DirectoryOptions = {},
): Source {
  return {
    reference,
    async open() {
      checkDirectory(path);
      const layer = directoryLayer(path, options);
      return { layers: [layer], identity: undefined, parts: [] };
    },
  };
}

function checkDirectory(path: string): void {
  const status = statOf(path);
  if (status?.isDirectory() === true) return;
  const is = status === undefined ? "there is no such directory" : "not a directory";
  throw new WickError("SOURCE_NOT_FOUND", `Cannot read ${sanitise(path)}: ${is}`, {
    hint: `for an archive: tar:${sanitise(path)}`,
  });
}

/** A directory as a layer: entries sorted by the bytes of their names, parents first. */
export function directoryLayer(path: string, { owner }: DirectoryOptions = {}): Layer {
  const name = sanitise(path);
  return {
    name,
    async play(visitor, signal) {
      const xattrs = await readXattrs(path, signal);
      if (xattrs === undefined) {
        visitor.warn(
          `Extended attributes of ${name} are left out: getfattr (package attr) is not installed`,
        );
      } else if (xattrs.problem !== undefined) {
        visitor.warn(`Some extended attributes of ${name} are left out: ${xattrs.problem}`);
      }
      const walk = new DirectoryWalk(path, {
        visitor,
        signal,
        xattrs: xattrs?.byPath ?? new Map(),
        owner: ownerRule(owner, currentUser()),
      });
      try {
        await walk.run();
      } catch (error) {
        throw vanished(error, name);
      }
    },
  };
}

/** What was listed and is gone when it is read: the directory changes under us. */
function vanished(error: unknown, name: string): unknown {
  if (!isWickError(error, "SOURCE_NOT_FOUND")) return error;
  return new WickError("SOURCE_FAILED", `${error.message}, though ${name} listed it`, {
    hint: "build again when nothing writes to the directory",
    cause: error,
  });
}
