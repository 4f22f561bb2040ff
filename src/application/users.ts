import { display, sanitise, utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import {
  ID_MAX,
  parseGroup,
  parseId,
  parsePasswd,
  type Account,
  type Group,
  type Malformed,
} from "./accounts.ts";

/** Texts of the image's /etc/passwd and /etc/group; undefined where it has none. */
export interface UserFiles {
  readonly passwd?: Uint8Array | undefined;
  readonly group?: Uint8Array | undefined;
}

/** A user, resolved to numbers. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, sorted. */
  readonly groups: readonly number[];
  /** From passwd by uid; `/` when it has none. */
  readonly home: string;
}

/** Bytes of /etc/passwd and of /etc/group that are looked at: about 20,000 accounts. */
export const USER_FILE_MAX_BYTES = 1 << 20;
/** NGROUPS_MAX of Linux. */
const GROUPS_MAX = 65536;

/**
 * `user|uid[:group|gid]` by the image's own files, as runc does it: a number is never looked
 * up as a name, a name must be there, a number need not; with a group given there are no
 * supplementary ones, else those that list the user's name. Nothing given is root. Whatever
 * cannot be resolved is USER_UNKNOWN, never uid 0.
 */
export function resolveUser(text: string | undefined, files: UserFiles): ResolvedUser {
  const { user, group } = splitUser(text ?? "");
  const passwd = parsePasswd(bounded(files.passwd, "/etc/passwd"));
  const groups = parseGroup(bounded(files.group, "/etc/group"));
  const account = findAccount(user, passwd, { hasFile: files.passwd !== undefined });
  const uid = account?.uid ?? parseId(user)!;
  const home = account?.home || "/";
  if (group !== undefined) return { uid, gid: findGroup(group, groups), groups: [], home };
  const listed = account === undefined ? [] : groupsOf(account.name, groups);
  return { uid, gid: account?.gid ?? 0, groups: listed, home };
}

/** The name whose own ids and groups are exactly these; undefined when no account has them. */
export function accountName(
  { uid, gid, groups }: Pick<ResolvedUser, "uid" | "gid" | "groups">,
  files: UserFiles,
): string | undefined {
  const same = ({ name }: Account) => {
    const user = resolveUser(name, files);
    return user.uid === uid && user.gid === gid && user.groups.join() === groups.join();
  };
  const passwd = parsePasswd(bounded(files.passwd, "/etc/passwd"));
  const accounts = passwd.filter((line): line is Account => "uid" in line && line.uid === uid);
  // The first line of a name is the one that counts; a name that is no plain text is passed over.
  return accounts.find((line) => /^[A-Za-z_][\w.-]*$/.test(line.name) && same(line))?.name;
}

function splitUser(text: string): { user: string; group: string | undefined } {
  const [user, group, ...more] = text.split(":");
  if (more.length > 0 || group === "" || (user === "" && group !== undefined)) {
    throw unknown(text, "it is not of the form user[:group]");
  }
  if (/[\s\p{Cc}]/u.test(text)) throw unknown(text, "it holds a space or a control character");
  return { user: user === "" ? "0" : user!, group };
}

function bounded(bytes: Uint8Array | undefined, name: string): Uint8Array {
  if (bytes === undefined || bytes.length <= USER_FILE_MAX_BYTES) return bytes ?? new Uint8Array();
  throw new WickError(
    "USER_UNKNOWN",
    `Cannot look up users in ${name} of the image: it has ${bytes.length} bytes, wanted at most ${USER_FILE_MAX_BYTES}`,
  );
}

const isNumber = (text: string) => /^[+-]?\d+$/.test(text);

function findAccount(
  user: string,
  passwd: readonly (Account | Malformed)[],
  { hasFile }: { readonly hasFile: boolean },
): Account | undefined {
  if (isNumber(user)) {
    const uid = checkedId(user);
    return passwd.find((line): line is Account => "uid" in line && line.uid === uid);
  }
  const found = passwd.find((line) => line.name === latin1(user));
  if (found === undefined && user === "root" && !hasFile) {
    return { name: "root", uid: 0, gid: 0, home: "/root" };
  }
  if (found === undefined) throw missing(user, "user", hasFile ? "/etc/passwd" : undefined);
  if ("malformed" in found) throw unknown(user, "its line in /etc/passwd has no usable numbers");
  return found;
}

function findGroup(group: string, groups: readonly (Group | Malformed)[]): number {
  if (isNumber(group)) return checkedId(group);
  const found = groups.find((line) => line.name === latin1(group));
  if (found === undefined) throw missing(group, "group", "/etc/group");
  if ("malformed" in found) throw unknown(group, "its line in /etc/group has no usable number");
  return found.gid;
}

function groupsOf(name: string, groups: readonly (Group | Malformed)[]): number[] {
  const listed = groups.filter(
    (line): line is Group => "members" in line && line.members.includes(name),
  );
  const gids = [...new Set(listed.map(({ gid }) => gid))].sort((a, b) => a - b);
  if (gids.length <= GROUPS_MAX) return gids;
  throw unknown(name, `it is in ${gids.length} groups, wanted at most ${GROUPS_MAX}`);
}

function checkedId(text: string): number {
  const id = parseId(text);
  if (id === undefined) throw unknown(text, `it is out of range, wanted 0 to ${ID_MAX}`);
  return id;
}

/** As the files' lines are decoded: a character a byte. */
function latin1(text: string): string {
  return new TextDecoder("latin1").decode(utf8(text));
}

function missing(name: string, kind: string, file: string | undefined): WickError {
  const where = file === undefined ? "the image has no /etc/passwd" : `${file} has no such ${kind}`;
  return new WickError("USER_UNKNOWN", `Cannot find the ${kind} "${sanitise(name)}": ${where}`, {
    hint: "a number needs no entry: -u 1000:1000",
  });
}

function unknown(text: string, why: string): WickError {
  return new WickError("USER_UNKNOWN", `Cannot use "${display(utf8(text))}" as user: ${why}`);
}
