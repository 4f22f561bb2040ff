import { expect, test } from "vitest";
import type { Entry } from "../../tree/index.ts";
import {
  archive,
  bytesOf,
  file,
  header,
  long,
  padded,
  pax,
  record,
  type HeaderFields,
} from "../../../test/support/tar-builder.ts";
import { TarReader, type TarLimits } from "./index.ts";

interface Played {
  readonly entries: Entry[];
  /** What followed each entry: text of its data, `[n]` for a hole of n bytes. */
  readonly contents: string[];
  readonly warnings: string[];
}

function play(
  bytes: Uint8Array,
  { chunkBytes = 512, limits = {} }: { chunkBytes?: number; limits?: Partial<TarLimits> } = {},
): Played {
  const played: Played = { entries: [], contents: [], warnings: [] };
  let text = "";
  const reader = new TarReader(
    {
      entry: (entry) => void played.entries.push(entry),
      data: (chunk) => void (text += Buffer.from(chunk).toString("latin1")),
      hole: (length) => void (text += `[${length}]`),
      endFile: () => {
        played.contents.push(text);
        text = "";
      },
      warn: (message) => void played.warnings.push(message),
    },
    limits,
  );
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    reader.push(bytes.subarray(at, at + chunkBytes));
  }
  reader.end();
  return played;
}

const latin1 = (bytes: Uint8Array | undefined): string =>
  Buffer.from(bytes ?? []).toString("latin1");
const paths = (bytes: Uint8Array): string[] => play(bytes).entries.map((e) => latin1(e.path));
const only = (...parts: readonly Uint8Array[]): Entry => {
  const { entries } = play(archive(...parts));
  expect(entries).toHaveLength(1);
  return entries[0]!;
};
/** A base-256 number field. */
const base256 = (value: bigint, length: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  for (let i = 0, rest = BigInt.asUintN(length * 8, value); i < length; i++, rest >>= 8n) {
    bytes[length - 1 - i] = Number(rest & 0xffn);
  }
  bytes[0] = bytes[0]! | 0x80;
  return bytes;
};

test("v7, ustar with a prefix and GNU headers give the same entry", () => {
  const fields: HeaderFields = { mode: 0o4755, uid: 1, gid: 2, mtime: 3, size: 1 };
  const v7 = only(header({ ...fields, name: "dir/file", format: "v7" }), padded("x"));
  const ustar = only(header({ ...fields, name: "file", prefix: "dir" }), padded("x"));
  const gnu = only(header({ ...fields, name: "dir/file", format: "gnu" }), padded("x"));
  expect(latin1(v7.path)).toBe("dir/file");
  expect(v7).toMatchObject({ type: "file", mode: 0o4755, uid: 1, gid: 2, size: 1 });
  expect(ustar).toEqual(v7);
  expect(gnu).toEqual(v7);
});

test("a prefix counts in ustar alone: GNU keeps other things there, v7 nothing", () => {
  for (const format of ["gnu", "v7"] as const) {
    expect(latin1(only(header({ name: "file", prefix: "dir", format })).path)).toBe("file");
  }
});

test("names of exactly 100 bytes and prefixes of 155 need no NUL", () => {
  const name = "n".repeat(100);
  const prefix = "p".repeat(155);
  expect(latin1(only(header({ name, prefix })).path)).toBe(`${prefix}/${name}`);
});

test("pax path, linkpath, size, uid, gid and mtime override the header", () => {
  const records: [string, string][] = [
    ["path", "päx"],
    ["size", "3"],
    ["uid", "70000"],
    ["gid", "4294967295"],
    ["mtime", "1.5"],
  ];
  const { entries, contents } = play(archive(pax(records), header({ name: "h" }), padded("abc")));
  expect(entries[0]).toMatchObject({ size: 3, uid: 70000, gid: 4294967295 });
  expect(entries[0]!.mtime).toEqual({ seconds: 1, nanoseconds: 500_000_000 });
  expect(Buffer.from(entries[0]!.path).toString()).toBe("päx");
  expect(contents).toEqual(["abc"]);
  const link = only(
    pax([["linkpath", "there"]]),
    header({ name: "l", typeflag: "2", linkname: "x" }),
  );
  expect(latin1(link.target)).toBe("there");
});

test("a global header holds until the next one replaces it whole, a local one wins over it", () => {
  const { entries } = play(
    archive(
      pax(
        [
          ["uid", "7"],
          ["gid", "8"],
        ],
        "g",
      ),
      file("a"),
      pax([["uid", "9"]]),
      file("b"),
      pax([["uid", "10"]], "g"),
      file("c"),
    ),
  );
  expect(entries.map(({ uid, gid }) => [uid, gid])).toEqual([
    [7, 8],
    [9, 8],
    [10, 0],
  ]);
});

test("GNU long names are used, and pax wins over them in either order", () => {
  const name = "n".repeat(300);
  const target = "t".repeat(300);
  const link = only(long("L", name), long("K", target), header({ name: "s", typeflag: "2" }));
  expect([latin1(link.path), latin1(link.target)]).toEqual([name, target]);
  expect(paths(archive(long("L", name), pax([["path", "p"]]), file("s")))).toEqual(["p"]);
  expect(paths(archive(pax([["path", "p"]]), long("L", name), file("s")))).toEqual(["p"]);
});

test("a long name may end with its size, but not go on in the padding behind", () => {
  const longName = (size: number, payload: string): Uint8Array =>
    archive(header({ name: "L", typeflag: "L", size, format: "gnu" }), padded(payload), file("s"));
  expect(paths(longName(3, "abc"))).toEqual(["abc"]);
  expect(paths(longName(3, "a\0c"))).toEqual(["a"]);
  expect(() => play(longName(3, "abcd"))).toThrow("its long name has no end");
  expect(() => play(longName(512, "n".repeat(512)))).toThrow("its long name has no end");
  expect(() => play(longName(0, ""))).toThrow("its long name has no end");
  expect(() => play(longName(1, "\0"))).toThrow("its long name is empty");
});

test("the size of a pax header does not apply to a long name between it and its entry", () => {
  const bytes = archive(
    pax([["size", "512"]]),
    long("L", "name"),
    header({ name: "s" }),
    file("in"),
    file("b"),
  );
  expect(paths(bytes)).toEqual(["name", "b"]);
});

test("a tar inside a file whose ustar size is 0 and whose pax size is right stays contents", () => {
  const inner = archive(file("hidden", "secret"));
  const bytes = archive(
    pax([["size", String(inner.length)]]),
    header({ name: "outer.tar" }),
    inner,
    file("b"),
  );
  expect(paths(bytes)).toEqual(["outer.tar", "b"]);
});

test("of a key that stands twice the last holds, of two pax headers the second alone", () => {
  expect(
    paths(
      archive(
        pax([
          ["path", "one"],
          ["path", "two"],
        ]),
        file("s"),
      ),
    ),
  ).toEqual(["two"]);
  expect(only(pax([["path", "one"]]), pax([["uid", "5"]]), file("s"))).toMatchObject({ uid: 5 });
  expect(paths(archive(pax([["path", "one"]]), pax([["uid", "5"]]), file("s")))).toEqual(["s"]);
});

test("a pax value may hold newlines, NUL and equals signs", () => {
  const value = "a\n12 path=x\n\0=\xff";
  const bytes = Buffer.from(value, "latin1");
  const entry = only(
    pax([
      ["SCHILY.xattr.user.x", bytes],
      ["path", "a\n=b"],
    ]),
    file("s"),
  );
  expect(latin1(entry.xattrs[0]!.value)).toBe(value);
  expect(latin1(entry.path)).toBe("a\n=b");
});

const malformed: Record<string, string> = {
  "a length too long": "30 path=x\n",
  "a length too short": "9 path=xyz\n",
  "no length": "path=x\n",
  "no equals sign": "9 pathxx\n",
  "no key": "5 =x\n",
  "a NUL in a key": "10 \0ath=ab\n",
  "no newline": "9 path=x ",
  "a length of zero": "0 path=x\n",
  "a length of 10^20": "100000000000000000000 path=x\n",
  "a negative length": "-9 path=x\n",
  "NUL padding behind the records": "10 path=x\n\0\0",
};
for (const [what, payload] of Object.entries(malformed)) {
  test(`a pax header with ${what} is an error`, () => {
    const bytes = archive(
      header({ name: "pax", typeflag: "x", size: payload.length }),
      padded(payload),
      file("s"),
    );
    expect(() => play(bytes)).toThrow(/extended header has a (record|NUL)/);
  });
}

for (const key of ["path", "linkpath", "GNU.sparse.name"]) {
  test(`an empty pax ${key} is an error, since tools do not agree on what it means`, () => {
    expect(() => play(archive(pax([[key, ""]]), file("s")))).toThrow(`pax record ${key} is empty`);
  });
}

for (const [key, value] of [
  ["size", "-1"],
  ["size", "1e3"],
  ["uid", "-1"],
  ["uid", "x"],
  ["mtime", "1.2.3"],
  ["mtime", "now"],
  ["size", "99999999999999999999"],
  ["path", "a\0b"],
] as const) {
  test(`a pax ${key} of ${JSON.stringify(value)} is an error`, () => {
    expect(() => play(archive(pax([[key, value]]), file("s")))).toThrow(key);
  });
}

test("a wrong number is an error also where a later record replaces it, or nobody keeps it", () => {
  expect(() =>
    play(
      archive(
        pax([
          ["size", ""],
          ["size", "0"],
        ]),
        file("a"),
      ),
    ),
  ).toThrow("pax size");
  expect(() => play(archive(pax([["atime", "soon"]]), file("a")))).toThrow("pax atime");
});

test("base-256 numbers are exact, negative times too", () => {
  const entry = only(
    header({
      name: "a",
      uid: base256(4294967295n, 8),
      gid: base256(70000n, 8),
      mtime: base256(-2n, 12),
    }),
  );
  expect(entry).toMatchObject({
    uid: 4294967295,
    gid: 70000,
    mtime: { seconds: -2, nanoseconds: 0 },
  });
  const { entries, contents } = play(
    archive(header({ name: "a", size: base256(3n, 12) }), padded("abc")),
  );
  expect([entries[0]!.size, contents[0]]).toEqual([3, "abc"]);
});

test("base-256 numbers out of range are errors", () => {
  expect(() => only(header({ name: "a", size: base256(-1n, 12) }))).toThrow(
    "size is negative (-1)",
  );
  expect(() => only(header({ name: "a", size: base256(2n ** 60n, 12) }))).toThrow(
    "size is beyond 2^53",
  );
  expect(() => only(header({ name: "a", uid: base256(2n ** 32n, 8) }))).toThrow(
    "uid is 4294967296",
  );
  expect(() => only(header({ name: "a", gid: base256(-1n, 8) }))).toThrow("gid is -1");
});

test("times are exact to the nanosecond, before 1970 and beyond 2038 too", () => {
  const times: [string, number, number][] = [
    ["-1", -1, 0],
    ["-0.5", -1, 500_000_000],
    ["-1.000000001", -2, 999_999_999],
    ["-1.0000000001", -2, 999_999_999],
    ["2147483648.000000001", 2147483648, 1],
    ["15032385535.123456789999", 15032385535, 123_456_789],
    ["7.", 7, 0],
  ];
  for (const [text, seconds, nanoseconds] of times) {
    expect(only(pax([["mtime", text]]), file("a")).mtime).toEqual({ seconds, nanoseconds });
  }
});

test("a wrong checksum is an error that says where", () => {
  const bytes = archive(file("good", "x"), header({ name: "bad", checksum: "wrong" }));
  expect(() => play(bytes)).toThrow(/header at byte 1024 of the tar archive: not a tar header/);
});

test("a checksum summed over signed bytes is accepted", () => {
  const name = Buffer.from([0xff, 0xfe, 0xe9]);
  expect(only(header({ name, checksum: "signed" })).path).toEqual(new Uint8Array(name));
});

test("fields with spaces around the number, a leading NUL or no end are read as GNU tar does", () => {
  for (const size of ["     000003 ", "00000000003 ", "\x0000000000003", "000000000003"]) {
    expect(only(header({ name: "a", size: bytesOf(size) }), padded("abc")).size).toBe(3);
  }
  expect(() => only(header({ name: "a", size: bytesOf(" ".repeat(12)) }))).toThrow("size is blank");
  expect(() => only(header({ name: "a", size: bytesOf("0000001x0000") }))).toThrow(
    "not an octal number",
  );
});

test("types 7, NUL and 0 are regular files", () => {
  for (const typeflag of ["7", "\0", "0"]) {
    expect(only(file("a", "x", { typeflag })).type).toBe("file");
  }
});

test("an empty file whose name ends in a slash is a directory, as v7 had them", () => {
  expect(() => play(archive(file("a/", "", { typeflag: "7" })))).toThrow("contiguous file");
  for (const typeflag of ["\0", "0"]) {
    expect(only(header({ name: "a/", typeflag, format: "v7" })).type).toBe("directory");
    const inconsistent = archive(file("a/", "x", { typeflag }));
    expect(() => play(inconsistent)).toThrow("name ends in a slash");
  }
});

test("an unknown type is passed over with its contents and a warning", () => {
  const { entries, warnings } = play(
    archive(file("odd", "x".repeat(600), { typeflag: "Q" }), file("b")),
  );
  expect(entries.map((e) => latin1(e.path))).toEqual(["b"]);
  expect(warnings).toEqual(['Left out "odd" at byte 0 of the tar archive: of unknown type 0x51']);
});

test("a socket, known by its mode, is left out with a warning", () => {
  const { entries, warnings } = play(archive(file("sock", "", { mode: 0o140755 }), file("b")));
  expect(entries).toHaveLength(1);
  expect(warnings[0]).toContain('"sock"');
});

for (const typeflag of ["1", "2", "3", "4", "5", "6"]) {
  test(`whatever size a header of type ${typeflag} states, the next one follows at once`, () => {
    const odd = header({ name: "odd", typeflag, linkname: "x", size: 512 });
    expect(paths(archive(odd, file("inner"), file("b")))).toEqual(["odd", "inner", "b"]);
    const bySize = archive(
      pax([["size", "512"]]),
      header({ name: "odd", typeflag, linkname: "x" }),
      file("b"),
    );
    expect(paths(bySize)).toEqual(["odd", "b"]);
  });
}

test("a GNU dump directory is a directory, its list of names passed over", () => {
  const bytes = archive(file("d/", "Yfile\0\0", { typeflag: "D" }), file("b"));
  expect(play(bytes).entries.map((e) => e.type)).toEqual(["directory", "file"]);
});

test("a part of a multi-volume archive is refused", () => {
  expect(() => play(archive(file("a", "rest", { typeflag: "M" })))).toThrow("several volumes");
});

test("an archive may end at a boundary without zero blocks, or after one", () => {
  const bytes = file("a", "x");
  expect(paths(bytes)).toEqual(["a"]);
  expect(paths(Buffer.concat([bytes, new Uint8Array(512)]))).toEqual(["a"]);
  expect(paths(new Uint8Array(1024))).toEqual([]);
});

test("bytes after the end are ignored, but not after a single zero block", () => {
  expect(paths(Buffer.concat([archive(file("a")), bytesOf("rubbish")]))).toEqual(["a"]);
  const lone = Buffer.concat([file("a"), new Uint8Array(512), file("b")]);
  expect(() => play(lone)).toThrow("a single zero block is followed by other data");
});

test("no bytes at all are no tar archive", () => {
  expect(() => play(new Uint8Array(0))).toThrow("empty, not a tar archive");
});

test("an archive cut anywhere but between entries is an error that names entry and byte", () => {
  const bytes = Buffer.concat([
    file("first", "x"),
    pax([["path", "second"]]),
    file("s", "y".repeat(700)),
  ]);
  const boundaries = new Set([1024, bytes.length]);
  for (let length = 1; length <= bytes.length; length += boundaries.has(length + 1) ? 1 : 5) {
    const cut = (): Played => play(bytes.subarray(0, length), { chunkBytes: 4096 });
    if (boundaries.has(length)) expect(cut().contents.length).toBeGreaterThan(0);
    else expect(cut).toThrow(/Cannot read .* at byte (0|1024) of the tar archive/);
  }
  const cut = bytes.subarray(0, 1024 + 1024 + 512 + 100);
  expect(() => play(cut)).toThrow(
    'Cannot read "second" at byte 1024 of the tar archive: it ends in the data, 924 bytes too early',
  );
});

test("an extended header without an entry, or before a global one, is an error", () => {
  const local = pax([["path", "x"]]);
  expect(() => play(archive(file("a"), local))).toThrow("extended header without an entry");
  expect(() => play(Buffer.concat([file("a"), local]))).toThrow("extended header without an entry");
  expect(() => play(archive(local, pax([["uid", "1"]], "g"), file("a")))).toThrow(
    "global header between",
  );
});

test("devices and FIFOs keep their numbers", () => {
  expect(only(header({ name: "d", typeflag: "3", major: 300, minor: 70000 }))).toMatchObject({
    type: "char",
    rdev: { major: 300, minor: 70000 },
  });
  expect(only(header({ name: "d", typeflag: "4", major: 8, minor: 1 })).type).toBe("block");
  expect(only(header({ name: "d", typeflag: "6" })).type).toBe("fifo");
});

test("xattrs: LIBARCHIVE's are decoded, SCHILY's win, SELinux labels get their NUL", () => {
  const { xattrs } = only(
    pax([
      ["SCHILY.xattr.user.both", "schily"],
      ["LIBARCHIVE.xattr.user.both", "bGliYXJjaGl2ZQ"],
      ["LIBARCHIVE.xattr.user.%25%3D%ff", "AP8="],
      ["SCHILY.xattr.user.a%3Db%25", ""],
      ["RHT.security.selinux", "system_u:object_r:etc_t:s0"],
    ]),
    file("a"),
  );
  expect(xattrs.map(({ name, value }) => [latin1(name), latin1(value)])).toEqual([
    ["security.selinux", "system_u:object_r:etc_t:s0\0"],
    ["user.%=\xff", "\0\xff"],
    ["user.a=b%", ""],
    ["user.both", "schily"],
  ]);
  expect(() => only(pax([["LIBARCHIVE.xattr.x", "!"]]), file("a"))).toThrow("not base64");
});

test("an ACL as text becomes the kernel's attribute, by number; names alone are left out", () => {
  const text = "user::rwx,group::r-x,user:nobody:rw-:65534,mask::rwx,other::r--,group:12345:--x";
  const { entries, warnings } = play(
    archive(
      pax([
        ["SCHILY.acl.access", text],
        ["SCHILY.acl.default", "user::rwx,user:somebody:rwx,group::r-x,mask::rwx,other::r-x"],
      ]),
      file("a"),
    ),
  );
  const [acl, ...others] = entries[0]!.xattrs;
  expect(others).toEqual([]);
  expect(latin1(acl!.name)).toBe("system.posix_acl_access");
  expect(Buffer.from(acl!.value).toString("hex")).toBe(
    "02000000" +
      "01000700ffffffff" +
      "02000600feff0000" +
      "04000500ffffffff" +
      "0800010039300000" +
      "10000700ffffffff" +
      "20000400ffffffff",
  );
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain("SCHILY.acl.default");
});

const sparseMaps: Record<string, Uint8Array> = {
  "0.0": Buffer.concat([
    pax([
      ["GNU.sparse.size", "1030"],
      ["GNU.sparse.numblocks", "2"],
      ["GNU.sparse.offset", "512"],
      ["GNU.sparse.numbytes", "512"],
      ["GNU.sparse.offset", "1026"],
      ["GNU.sparse.numbytes", "2"],
    ]),
    header({ name: "real", size: 514 }),
  ]),
  "0.1": Buffer.concat([
    pax([
      ["GNU.sparse.size", "1030"],
      ["GNU.sparse.numblocks", "2"],
      ["GNU.sparse.name", "real"],
      ["GNU.sparse.map", "512,512,1026,2"],
    ]),
    header({ name: "GNUSparseFile.0/real", size: 514 }),
  ]),
  "1.0": Buffer.concat([
    pax([
      ["GNU.sparse.major", "1"],
      ["GNU.sparse.minor", "0"],
      ["GNU.sparse.name", "real"],
      ["GNU.sparse.realsize", "1030"],
    ]),
    header({ name: "GNUSparseFile.0/real", size: 512 + 514 }),
    padded("2\n512\n512\n1026\n2\n"),
  ]),
  old: header({
    name: "real",
    typeflag: "S",
    format: "gnu",
    size: 514,
    patch: (block) => {
      const numbers = [512, 512, 1026, 2].map((n) => `${n.toString(8).padStart(11, "0")}\0`);
      block.set(bytesOf(numbers.join("")), 0x182);
      block.set(bytesOf((1030).toString(8).padStart(11, "0")), 0x1e3);
    },
  }),
};
for (const [version, start] of Object.entries(sparseMaps)) {
  test(`a sparse file of GNU's format ${version} has its real name, size and holes`, () => {
    const data = padded(`${"d".repeat(512)}ee`);
    for (const chunkBytes of [1, 100, 512, 10_000]) {
      const { entries, contents } = play(archive(start, data, file("b", "B")), { chunkBytes });
      expect(entries.map((e) => [latin1(e.path), e.size])).toEqual([
        ["real", 1030],
        ["b", 1],
      ]);
      expect(contents).toEqual([`[512]${"d".repeat(512)}[2]ee[2]`, "B"]);
    }
  });
}

const sparse01 = (map: string, blocks: number, realSize: number, size: number): Uint8Array =>
  archive(
    pax([
      ["GNU.sparse.size", String(realSize)],
      ["GNU.sparse.numblocks", String(blocks)],
      ["GNU.sparse.map", map],
    ]),
    file("a", "x".repeat(size)),
  );

test("a sparse map that overlaps, leaves the file or misses its data is an error", () => {
  expect(() => play(sparse01("0,512,100,512", 2, 2000, 1024))).toThrow("overlaps");
  expect(() => play(sparse01("512,512,0,512", 2, 2000, 1024))).toThrow("out of order");
  expect(() => play(sparse01("0,512,512,512", 2, 1000, 1024))).toThrow(
    "ends at 1024, the file at 1000",
  );
  expect(() => play(sparse01("0,512", 1, 1000, 100))).toThrow("512 bytes of data, the archive 100");
  expect(() => play(sparse01("0,512", 2, 1000, 512))).toThrow("1 parts, wanted 2");
  expect(() => play(sparse01("0,512,x", 1, 1000, 512))).toThrow("1.5 parts, wanted 1");
  expect(() => play(sparse01("0,100,512,512", 2, 2000, 612))).toThrow("wanted whole blocks");
  expect(play(sparse01("", 0, 1000, 0)).contents).toEqual(["[1000]"]);
});

test("sparse records without a map, or of another version, are errors", () => {
  expect(() => play(archive(pax([["GNU.sparse.name", "n"]]), file("a")))).toThrow(
    "without a sparse map",
  );
  const version2 = pax([
    ["GNU.sparse.major", "2"],
    ["GNU.sparse.minor", "0"],
  ]);
  expect(() => play(archive(version2, file("a")))).toThrow("sparse format is 2.0");
  expect(() => play(archive(header({ name: "a", typeflag: "S" })))).toThrow("not in GNU's format");
});

test("headers of over 1 MiB for one entry are an error before they are read", () => {
  const huge = header({ name: "pax", typeflag: "x", size: 2 ** 30 });
  expect(() => play(huge)).toThrow(
    expect.objectContaining({
      code: "ARCHIVE_LIMIT",
      hint: expect.stringContaining("headerBytes"),
    }),
  );
  expect(() => play(header({ name: "L", typeflag: "L", size: 2 ** 30 }))).toThrow("1048576 bytes");
  expect(() => play(header({ name: "g", typeflag: "g", size: 2 ** 30 }))).toThrow("global headers");
  const many = Array.from({ length: 1200 }, () => long("L", "n".repeat(400)));
  expect(() => play(Buffer.concat(many))).toThrow("1048576 bytes");
});

test("a global header may not have a key twice, of which readers take either", () => {
  const twice = pax(
    [
      ["uid", "1"],
      ["uid", "2"],
    ],
    "g",
  );
  expect(() => play(archive(twice, file("a")))).toThrow("a key twice");
});

test("a global header may not give sizes or sparse maps, which other readers would ignore", () => {
  for (const key of ["size", "GNU.sparse.major", "GNU.sparse.offset"]) {
    expect(() => play(archive(pax([[key, "1"]], "g"), file("a")))).toThrow("for all entries");
  }
});

test("a sparse map of 10^7 entries is an error, in the data or in extension headers", () => {
  const map = padded(`10000000\n${"0\n0\n".repeat(600_000)}`);
  const start = pax([
    ["GNU.sparse.major", "1"],
    ["GNU.sparse.minor", "0"],
    ["GNU.sparse.realsize", "5"],
  ]);
  const inData = archive(start, header({ name: "a", size: map.length }), map);
  expect(() => play(inData, { chunkBytes: 65536 })).toThrow("1048576 bytes");
  const old = header({
    name: "a",
    typeflag: "S",
    format: "gnu",
    patch: (block) => void (block[0x1e2] = 1),
  });
  const extension = new Uint8Array(512);
  extension[504] = 1;
  const extensions = Buffer.concat(Array.from({ length: 2100 }, () => extension));
  expect(() => play(archive(old, extensions), { chunkBytes: 65536 })).toThrow("1048576 bytes");
});

test("the number of entries is bounded, and the bound can be set", () => {
  const bytes = archive(...Array.from({ length: 11 }, (_, i) => file(`f${i}`)));
  expect(play(bytes, { limits: { entries: 11 } }).entries).toHaveLength(11);
  expect(() => play(bytes, { limits: { entries: 10 } })).toThrow("more than 10 entries");
});

test("a pax record is found whatever its length's digits do to the length", () => {
  for (let length = 1; length < 1100; length++) {
    const value = "v".repeat(length);
    expect(record("path", value).length).toBe(Number.parseInt(latin1(record("path", value)), 10));
    if (length % 97 < 8) expect(paths(archive(pax([["path", value]]), file("s")))).toEqual([value]);
  }
});
