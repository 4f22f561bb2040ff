import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { display, utf8 } from "../../bytes/index.ts";
import { isWickError } from "../../errors/index.ts";
import { readAr } from "./index.ts";

async function* pieces(bytes: Uint8Array, size = bytes.length): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

async function readAll(bytes: Uint8Array, size?: number): Promise<[string, string][]> {
  const members: [string, string][] = [];
  for await (const member of readAr(pieces(bytes, size))) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of member.contents) chunks.push(chunk.slice());
    const contents = Buffer.concat(chunks);
    expect(contents.length).toBe(member.sizeBytes);
    members.push([display(member.name), contents.toString("latin1")]);
  }
  return members;
}

const names = ["short", "odd", "a-name-of-more-than-fifteen-bytes", "with space", "empty"];
/** bsdtar leaves long names out of GNU archives unless it is given their table. */
const namesFor = (tool: string) => names.filter((name) => tool !== "argnu" || name.length < 16);
const contentsOf = (name: string) => (name === "empty" ? "" : `contents of ${name}\n`);

function archiveBy(tool: "gnu" | "argnu" | "arbsd"): Uint8Array {
  const directory = temporaryDirectory();
  for (const name of namesFor(tool)) writeFileSync(join(directory, name), contentsOf(name));
  const archive = join(directory, "x.a");
  if (tool === "gnu") execFileSync("ar", ["rcD", archive, ...namesFor(tool)], { cwd: directory });
  else
    execFileSync("bsdtar", ["-cf", archive, "--format", tool, ...namesFor(tool)], {
      cwd: directory,
    });
  return readFileSync(archive);
}

test.each(["gnu", "argnu", "arbsd"] as const)(
  "reads what %s wrote, whatever the pieces",
  async (tool) => {
    const archive = archiveBy(tool);
    for (const size of [archive.length, 1, 7, 61]) {
      expect(await readAll(archive, size)).toEqual(
        namesFor(tool).map((name) => [name, contentsOf(name)]),
      );
    }
  },
);

/** A small package as dpkg-deb makes it. */
function debianPackage(): Uint8Array {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, "p/DEBIAN"), { recursive: true, mode: 0o755 });
  const control = "Package: p\nVersion: 1\nArchitecture: all\nMaintainer: m\nDescription: d\n";
  writeFileSync(join(directory, "p/DEBIAN/control"), control);
  writeFileSync(join(directory, "p/file"), "payload\n");
  execFileSync("dpkg-deb", ["--root-owner-group", "-Zxz", "-b", "p", "p.deb"], {
    cwd: directory,
    stdio: "ignore",
  });
  return readFileSync(join(directory, "p.deb"));
}

test("a Debian package's members are those that ar lists and dpkg-deb unpacks", async () => {
  const deb = debianPackage();
  const members = await readAll(deb, 100);
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "p.deb"), deb);
  const listed = execFileSync("ar", ["t", "p.deb"], { cwd: directory, encoding: "utf8" });
  expect(members.map(([name]) => name)).toEqual(listed.trimEnd().split("\n"));
  const [, data] = members.find(([name]) => name === "data.tar.xz")!;
  const tar = execFileSync("xz", ["-dc"], { input: Buffer.from(data, "latin1") });
  const fromDpkg = execFileSync("dpkg-deb", ["--fsys-tarfile", "p.deb"], { cwd: directory });
  expect(tar.equals(fromDpkg)).toBe(true);
});

test("members that nobody reads are skipped", async () => {
  const found: string[] = [];
  for await (const member of readAr(pieces(archiveBy("gnu"), 10))) {
    found.push(display(member.name));
    if (found.length === 2) for await (const chunk of member.contents) if (chunk.length > 0) break;
  }
  expect(found).toEqual(names);
});

test("a reader that stops early closes the stream", async () => {
  let closed = false;
  async function* stream(): AsyncGenerator<Uint8Array> {
    try {
      yield* pieces(archiveBy("gnu"), 10);
    } finally {
      closed = true;
    }
  }
  for await (const member of readAr(stream())) if (member.sizeBytes > 0) break;
  expect(closed).toBe(true);
});

test("linkers' symbol tables are no members", async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "a.c"), "int wick_symbol;\n");
  execFileSync("cc", ["-c", "a.c"], { cwd: directory });
  execFileSync("ar", ["rcs", "a.a", "a.o"], { cwd: directory });
  const archive = readFileSync(join(directory, "a.a"));
  expect(archive.includes("wick_symbol")).toBe(true);
  expect((await readAll(archive)).map(([name]) => name)).toEqual(["a.o"]);
});

test("an archive cut anywhere but between members is refused, by ar too", async () => {
  const archive = archiveBy("gnu");
  const whole = [8, archive.length];
  for await (const member of readAr(pieces(archive))) {
    const start = Buffer.from(archive).indexOf(contentsOf(display(member.name)));
    if (member.sizeBytes > 0) whole.push(start + member.sizeBytes, start + member.sizeBytes + 1);
  }
  let refused = 0;
  for (let length = 0; length < archive.length; length++) {
    const code = await readAll(archive.subarray(0, length)).then(
      () => "none",
      (error: unknown) => (isWickError(error) ? error.code : String(error)),
    );
    if (code === "ARCHIVE_INVALID") refused++;
    // A cut right behind the table of names leaves a complete, empty archive.
    else expect({ length, code }).toEqual({ length, code: "none" });
  }
  expect(refused).toBeGreaterThan(archive.length - 20);
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "cut.a"), archive.subarray(0, archive.length - 80));
  expect(spawnSync("ar", ["p", "cut.a"], { cwd: directory }).status).not.toBe(0);
});

const header = (name: string, size: string, end = "`\n") =>
  name.padEnd(16) +
  "0".padEnd(12) +
  "0".padEnd(6) +
  "0".padEnd(6) +
  "644".padEnd(8) +
  size.padEnd(10) +
  end;

test.each([
  ["another magic", "!<thin>\n", "ARCHIVE_INVALID", /wanted "!<arch>/],
  ["a size that is no number", `!<arch>\n${header("a", "-1")}`, "ARCHIVE_INVALID", /size is "-1/],
  [
    "a header that ends otherwise",
    `!<arch>\n${header("a", "0", "xx")}`,
    "ARCHIVE_INVALID",
    /header/,
  ],
  [
    "a size beyond the end",
    `!<arch>\n${header("a", "9999999999")}abc`,
    "ARCHIVE_INVALID",
    /9999999996 bytes before/,
  ],
  ["a long name that is not there", `!<arch>\n${header("/7", "0")}`, "ARCHIVE_INVALID", /byte 7/],
  ["names of a gigabyte", `!<arch>\n${header("//", "1000000000")}`, "ARCHIVE_LIMIT", /limit/],
  [
    "a name longer than its member",
    `!<arch>\n${header("#1/20", "10")}abc`,
    "ARCHIVE_INVALID",
    /longer/,
  ],
  [
    "a name of a gigabyte",
    `!<arch>\n${header("#1/1000000000", "1000000001")}`,
    "ARCHIVE_LIMIT",
    /limit/,
  ],
  ["no name", `!<arch>\n${header("", "0")}`, "ARCHIVE_INVALID", /without a name/],
])("%s is refused", async (_, archive, code, message) => {
  await expect(readAll(utf8(archive))).rejects.toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  );
});
