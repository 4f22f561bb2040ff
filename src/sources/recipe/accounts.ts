import { utf8 } from "../../bytes/index.ts";
import type { ReadMerged } from "../source.ts";
import type { Recipe } from "./recipe.ts";

/** A file of accounts as it is to be; undefined: as it was. */
export interface AccountFiles {
  readonly passwd: Uint8Array | undefined;
  readonly group: Uint8Array | undefined;
  readonly shadow: Uint8Array | undefined;
}

/**
 * The account files with the recipe's users and groups appended: a name that is there already
 * stays as it is. Nobody can log in: passwords are locked, in /etc/shadow where there is one.
 */
export function accountFiles({ users, groups }: Recipe, read: ReadMerged): AccountFiles {
  const shadow = read("/etc/shadow");
  const password = shadow === undefined ? "*" : "x";
  const passwdLines = users.map(({ name, uid, gid, comment, home, shell }) =>
    [name, password, uid, gid, comment, home, shell].join(":"),
  );
  const groupLines = groups.map(({ name, gid, members }) =>
    [name, "x", gid, members.join(",")].join(":"),
  );
  const shadowLines =
    shadow === undefined ? [] : users.map(({ name }) => `${name}:*:0:0:99999:7:::`);
  return {
    passwd: appended(read("/etc/passwd"), passwdLines),
    group: appended(read("/etc/group"), groupLines),
    shadow: appended(shadow, shadowLines),
  };
}

/** `before` with those of `lines` whose name it does not have; undefined when it has them all. */
function appended(
  before: Uint8Array | undefined,
  lines: readonly string[],
): Uint8Array | undefined {
  const names = new Set(namesIn(before));
  const fresh = lines.filter((line) => {
    const [name = ""] = line.split(":", 1);
    const isNew = !names.has(name);
    names.add(name);
    return isNew;
  });
  if (fresh.length === 0) return undefined;
  const old = before ?? new Uint8Array(0);
  const joint = old.length > 0 && old.at(-1) !== 0x0a ? "\n" : "";
  const added = utf8(`${joint}${fresh.join("\n")}\n`);
  const whole = new Uint8Array(old.length + added.length);
  whole.set(old);
  whole.set(added, old.length);
  return whole;
}

function namesIn(file: Uint8Array | undefined): string[] {
  if (file === undefined) return [];
  return new TextDecoder("latin1")
    .decode(file)
    .split("\n")
    .map((line) => line.split(":", 1)[0]!);
}
