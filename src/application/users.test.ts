import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { utf8 } from "../bytes/index.ts";
import { isWickError } from "../errors/index.ts";
import { accountName, resolveUser, USER_FILE_MAX_BYTES } from "./users.ts";

const passwd = utf8(`root:x:0:0:root:/root:/bin/sh
# a comment
daemon:x:1:1::/usr/sbin:/usr/sbin/nologin
www-data:x:33:33:www:/var/www:/bin/false
twice:x:50:50::/first:/bin/sh
twice:x:51:51::/second:/bin/sh
broken:x:abc:1::/:/bin/sh
huge:x:4294967296:0::/:/bin/sh
short:x
nohome:x:60:61
+nis
`);
const group = utf8(`root:x:0:root
adm:x:4:syslog, www-data
tty:x:5:www-data,root
www-data:x:33:
dup:x:5:www-data
bad:x:zz:www-data
`);
const files = { passwd, group };

const codeOf = (user: string, given = files as Parameters<typeof resolveUser>[1]) => {
  try {
    return resolveUser(user, given);
  } catch (error) {
    return isWickError(error) ? error.code : `not ours: ${String(error)}`;
  }
};

/** Results of runc's GetExecUser for the files above. */
const cases: [string | undefined, number, number, number[], string][] = [
  [undefined, 0, 0, [0, 5], "/root"],
  ["", 0, 0, [0, 5], "/root"],
  ["root", 0, 0, [0, 5], "/root"],
  ["www-data", 33, 33, [4, 5], "/var/www"],
  ["33", 33, 33, [4, 5], "/var/www"],
  ["033", 33, 33, [4, 5], "/var/www"],
  ["www-data:root", 33, 0, [], "/var/www"],
  ["www-data:1234", 33, 1234, [], "/var/www"],
  ["33:adm", 33, 4, [], "/var/www"],
  ["1000", 1000, 0, [], "/"],
  ["1000:1000", 1000, 1000, [], "/"],
  ["2147483647", 2147483647, 0, [], "/"],
  ["twice", 50, 50, [], "/first"],
  ["nohome", 60, 61, [], "/"],
];

for (const [user, uid, gid, groups, home] of cases) {
  test(`user ${JSON.stringify(user)} becomes ${uid}:${gid}`, () => {
    expect(resolveUser(user, files)).toEqual({ uid, gid, groups, home });
  });
}

test("A13: what cannot be resolved is an error, never uid 0", () => {
  const wrong = [
    "nobody-here",
    "broken",
    "huge",
    "short",
    "4294967296",
    "2147483648",
    "-1",
    "+5",
    "99999999999999999999",
    "root\n",
    " root",
    "root:",
    ":0",
    ":",
    "a:b:c",
    "0:nope",
    "0:bad",
    "0:-1",
    "0x0",
    "+nis",
    "#",
  ];
  for (const user of wrong) expect([user, codeOf(user)]).toEqual([user, "USER_UNKNOWN"]);
});

test("without files numbers and root are known, other names are not", () => {
  expect(resolveUser("1000:5", {})).toEqual({ uid: 1000, gid: 5, groups: [], home: "/" });
  expect(resolveUser("root", {})).toEqual({ uid: 0, gid: 0, groups: [], home: "/root" });
  expect(resolveUser(undefined, {})).toEqual({ uid: 0, gid: 0, groups: [], home: "/" });
  expect(codeOf("www-data", {})).toBe("USER_UNKNOWN");
  expect(codeOf("root", { passwd: utf8("other:x:1:1::/:") })).toBe("USER_UNKNOWN");
});

test("names that are no UTF-8 stay apart, CRLF lines are read", () => {
  const odd = new Uint8Array([...utf8("caf\u00e9:x:7:7::/c:\r\n"), 0xe9, ...utf8(":x:8:8::/:\n")]);
  expect(resolveUser("caf\u00e9", { passwd: odd }).uid).toBe(7);
  expect(codeOf("\u00e9", { passwd: odd })).toBe("USER_UNKNOWN");
});

test("an account is found by exactly its ids and groups", () => {
  expect(accountName({ uid: 33, gid: 33, groups: [4, 5] }, files)).toBe("www-data");
  expect(accountName({ uid: 33, gid: 33, groups: [] }, files)).toBeUndefined();
  expect(accountName({ uid: 51, gid: 51, groups: [] }, files)).toBeUndefined();
  expect(accountName({ uid: 33, gid: 33, groups: [] }, {})).toBeUndefined();
});

test("A13: files over the bound are refused, files at it are read quickly", () => {
  const large = new Uint8Array(USER_FILE_MAX_BYTES + 1).fill(0x0a);
  expect(codeOf("root", { passwd: large })).toBe("USER_UNKNOWN");
  const line = "g:x:9:www-data\n";
  const many = utf8(line.repeat(USER_FILE_MAX_BYTES / line.length));
  expect(resolveUser("www-data", { passwd, group: many }).groups).toEqual([9]);
});

test("every account of this host resolves as id(1) says", () => {
  const host = { passwd: readFileSync("/etc/passwd"), group: readFileSync("/etc/group") };
  const names = host.passwd.toString("latin1").match(/^[a-z_][a-z0-9_-]*(?=:)/gm)!;
  const id = (option: string, name: string) =>
    execFileSync("id", [option, name], { encoding: "utf8" }).trim();
  for (const name of names.slice(0, 15)) {
    const user = resolveUser(name, host);
    expect([String(user.uid), String(user.gid)]).toEqual([id("-u", name), id("-g", name)]);
    const all = new Set([user.gid, ...user.groups].map(String));
    expect([...all].sort()).toEqual([...new Set(id("-G", name).split(" "))].sort());
  }
});
