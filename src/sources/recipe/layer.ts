import { resolveUser } from "../../application/index.ts";
import { utf8 } from "../../bytes/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import type { Entry, Layer, LayerVisitor } from "../../tree/index.ts";
import type { ReadMerged } from "../source.ts";
import { accountFiles, type AccountFiles } from "./accounts.ts";
import type { Recipe } from "./recipe.ts";

/** Same recipe, same bytes: everything is of the epoch. */
const EPOCH = { seconds: 0, nanoseconds: 0 } as const;

/**
 * A recipe as the layer that goes on top of all others: directories, accounts, files and links.
 * `read` looks into the tree below, so that accounts are appended to the ones that are there.
 * A directory that is there gets the recipe's mode and owner. Errors: USER_UNKNOWN.
 */
export function recipeLayer(recipe: Recipe, read: ReadMerged): Layer {
  return {
    name: `the recipe ${recipe.name}`,
    async play(visitor) {
      const accounts = accountFiles(recipe, read);
      const ids = idsBy(recipe, accounts, read);
      for (const { path, mode, owner } of recipe.directories) {
        visitor.entry(entry("directory", path, mode, ids(owner, path)));
      }
      playAccounts(visitor, accounts);
      for (const { path, content, mode, owner } of recipe.files) {
        playFile(visitor, { path, bytes: utf8(content), mode, ...ids(owner, path) });
      }
      for (const { path, target } of recipe.links) {
        const link = entry("symlink", path, 0o777, { uid: 0, gid: 0 });
        visitor.entry({ ...link, target: utf8(target) });
      }
    },
  };
}

interface Ids {
  readonly uid: number;
  readonly gid: number;
}

/** Looks owners up in the account files as they will be. */
function idsBy(
  recipe: Recipe,
  accounts: AccountFiles,
  read: ReadMerged,
): (owner: string, path: string) => Ids {
  const files = {
    passwd: accounts.passwd ?? read("/etc/passwd"),
    group: accounts.group ?? read("/etc/group"),
  };
  return (owner, path) => {
    try {
      const { uid, gid } = resolveUser(owner, files);
      return { uid, gid };
    } catch (error) {
      if (!isWickError(error, "USER_UNKNOWN")) throw error;
      throw new WickError(
        "USER_UNKNOWN",
        `Cannot give ${path} of the recipe ${recipe.name} to ${owner}: ${error.message}`,
        { cause: error, hint: "name the user under users, or write numbers, as in 33:33" },
      );
    }
  };
}

function playAccounts(visitor: LayerVisitor, { passwd, group, shadow }: AccountFiles): void {
  const root = { uid: 0, gid: 0 };
  if (passwd !== undefined) {
    playFile(visitor, { path: "/etc/passwd", bytes: passwd, mode: 0o644, ...root });
  }
  if (group !== undefined) {
    playFile(visitor, { path: "/etc/group", bytes: group, mode: 0o644, ...root });
  }
  if (shadow !== undefined) {
    playFile(visitor, { path: "/etc/shadow", bytes: shadow, mode: 0o600, ...root });
  }
}

interface PlayedFile extends Ids {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
}

function playFile(visitor: LayerVisitor, { path, bytes, mode, uid, gid }: PlayedFile): void {
  visitor.entry({ ...entry("file", path, mode, { uid, gid }), size: bytes.length });
  if (bytes.length > 0) visitor.data(bytes);
  visitor.endFile();
}

function entry(type: Entry["type"], path: string, mode: number, ids: Ids): Entry {
  return { type, path: utf8(path.slice(1)), mode, ...ids, mtime: EPOCH, xattrs: [], size: 0 };
}
