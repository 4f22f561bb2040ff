import { expect, test } from "vitest";
import { isWickError } from "../errors/index.ts";
import { csvFields } from "./csv.ts";
import { orderMounts, parseMount, parseTmpfs, parseVolume } from "./mounts.ts";

const bind = (source: string, target: string) => ({ kind: "bind", source, target });

test.each([
  ["./conf:/etc/nginx", bind("./conf", "/etc/nginx")],
  ["/srv/conf:/etc/nginx:ro", bind("/srv/conf", "/etc/nginx")],
  ["..:/up/", bind("..", "/up")],
  [".:/here//x/../y", bind(".", "/here/y")],
  ["./a b,c=d:/x y,z=1:ro,z", bind("./a b,c=d", "/x y,z=1")],
  ["/etc/hosts:/etc/hosts:Z,cached", bind("/etc/hosts", "/etc/hosts")],
])("-v %s is understood", (text, mount) => {
  expect(parseVolume(text)).toEqual(mount);
});

test.each([
  ["/data", /no folder of the host/u],
  ["conf:/etc/nginx", /would be a volume/u],
  [":/etc", /source is empty/u],
  ["./a:etc", /not an absolute path/u],
  ["./a:/", /nothing can be mounted at "\/"/u],
  ["./a:/proc/1", /nothing can be mounted/u],
  ["./a:/x/../.wick", /nothing can be mounted/u],
  ["./a:/b:rw", /cannot write to it/u],
  ["./a:/b:shared", /the option "shared"/u],
  ["./a:/b:ro:x", /too many colons/u],
  ["./a\0:/b", /NUL/u],
])("-v %j is refused with the reason", (text, why) => {
  expect(refusal(() => parseVolume(text))).toMatch(why);
});

test.each([
  ["type=bind,src=./a,dst=/b", bind("./a", "/b")],
  ["type=bind,source=/a:b,target=/b,readonly", bind("/a:b", "/b")],
  ['type=bind,"src=/a,b ""c""",destination=/b,ro=true', bind('/a,b "c"', "/b")],
  [
    "type=tmpfs,dst=/t,tmpfs-size=64m,tmpfs-mode=1777",
    { kind: "tmpfs", target: "/t", flags: 14, data: "size=67108864,mode=1777" },
  ],
])("--mount %s is understood", (text, mount) => {
  expect(parseMount(text)).toEqual(mount);
});

test.each([
  ["src=/a,dst=/b", /type is "volume"/u],
  ["type=bind,dst=/b", /no src=/u],
  ["type=bind,src=/a", /no dst=/u],
  ["type=bind,src=/a,dst=/b,readonly=false", /cannot write to it/u],
  ["type=bind,src=/a,dst=/b,size=1", /the key "size"/u],
  ["type=tmpfs,src=/a,dst=/b", /has no source/u],
  ['type=bind,"src=/a,dst=/b', /quotes/u],
])("--mount %s is refused with the reason", (text, why) => {
  expect(refusal(() => parseMount(text))).toMatch(why);
});

test("--tmpfs has Docker's defaults, and its options over them", () => {
  expect(parseTmpfs("/run")).toEqual({ kind: "tmpfs", target: "/run", flags: 14, data: "" });
  expect(parseTmpfs("/run:rw,exec,size=10%,uid=5")).toEqual({
    kind: "tmpfs",
    target: "/run",
    flags: 6,
    data: "size=10%,uid=5",
  });
  for (const option of ["size=big", "mode=9", "huge=always", "uid=x", "__proto__=1"]) {
    expect(refusal(() => parseTmpfs(`/run:${option}`))).toBeDefined();
  }
});

test("what lies inside another mount is made after it; one place twice is refused", () => {
  const mounts = ["./a:/x/y", "./b:/x", "./c:/z"].map(parseVolume);
  expect(orderMounts(mounts).map(({ target }) => target)).toEqual(["/x", "/z", "/x/y"]);
  expect(refusal(() => orderMounts(["./a:/x", "./b:/x/"].map(parseVolume)))).toMatch(/two mounts/u);
  const many = Array.from({ length: 17 }, (_, i) => parseVolume(`./a:/x${i}`));
  expect(refusal(() => orderMounts(many))).toMatch(/at most 16/u);
});

test("a line of CSV is taken apart as RFC 4180 says", () => {
  expect(csvFields('a,"b,c","d""e",')).toEqual(["a", "b,c", 'd"e', ""]);
  expect(csvFields("")).toEqual([""]);
  expect(csvFields('a"b')).toBeUndefined();
  expect(csvFields('"a"b')).toBeUndefined();
});

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (isWickError(error, "USAGE")) return error.message;
    throw error;
  }
  throw new Error("was not refused");
}
