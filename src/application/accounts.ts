/** One line of an image's /etc/passwd. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** One line of an image's /etc/group. */
export interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** A name that has a line whose numbers cannot be used: never taken for 0. */
export interface Malformed {
  readonly name: string;
  readonly malformed: true;
}

/** Highest id that Docker takes: 2^31 − 1. */
export const ID_MAX = 0x7fffffff;

/** Lines of passwd(5), in order; comments, NIS lines and lines without a name are left out. */
export function parsePasswd(bytes: Uint8Array): (Account | Malformed)[] {
  return fieldsOf(bytes).map(([name, , uid, gid, , home]) => {
    const ids = [parseId(uid), parseId(gid)];
    if (ids[0] === undefined || ids[1] === undefined) return { name: name!, malformed: true };
    return { name: name!, uid: ids[0], gid: ids[1], home: home ?? "" };
  });
}

/** Lines of group(5), in order. */
export function parseGroup(bytes: Uint8Array): (Group | Malformed)[] {
  return fieldsOf(bytes).map(([name, , gid, members]) => {
    const id = parseId(gid);
    if (id === undefined) return { name: name!, malformed: true };
    const list = (members ?? "").split(",").map((member) => member.trim());
    return { name: name!, gid: id, members: list.filter((member) => member !== "") };
  });
}

/** A decimal id from 0 to {@link ID_MAX}; undefined for anything else. */
export function parseId(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  return Number(text) <= ID_MAX ? Number(text) : undefined;
}

/** Bytes above 0x7f are kept apart one by one (latin1), so no two names become equal. */
function fieldsOf(bytes: Uint8Array): string[][] {
  return new TextDecoder("latin1")
    .decode(bytes)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^[#+:-]/.test(line))
    .map((line) => line.split(":"));
}
