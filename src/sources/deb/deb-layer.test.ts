import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { record } from "../../../test/support/record.ts";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { debLayer } from "./deb-layer.ts";

/** A package built by dpkg-deb, packed as told. */
function built(packing: string): { readonly path: string; readonly directory: string } {
  const directory = temporaryDirectory();
  const root = join(directory, "root");
  mkdirSync(join(root, "DEBIAN"), { recursive: true, mode: 0o755 });
  writeFileSync(
    join(root, "DEBIAN/control"),
    "Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n",
  );
  writeFileSync(join(root, "DEBIAN/postinst"), "#!/bin/sh\ntouch /tmp/it-ran\n", { mode: 0o755 });
  mkdirSync(join(root, "lib/deep"), { recursive: true });
  mkdirSync(join(root, "bin"));
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, "lib/deep/file"), "hello");
  linkSync(join(root, "lib/deep/file"), join(root, "lib/hard"));
  symlinkSync("file", join(root, "lib/deep/soft"));
  symlinkSync("usr/lib", join(root, "lib64"));
  writeFileSync(join(root, "bin/prog"), "#!", { mode: 0o4755 });
  writeFileSync(join(root, "etc/conf"), "a=b");
  const path = join(directory, "x.deb");
  execFileSync("dpkg-deb", [`-Z${packing}`, "--root-owner-group", "-b", root, path], {
    stdio: "ignore",
  });
  return { path, directory };
}

const pathsOf = async (path: string, mergedUsr = false): Promise<string[]> =>
  (await record(debLayer({ label: "x.deb", path }, { mergedUsr }))).entries.map(({ line }) =>
    line.split(" ").slice(4).join(" "),
  );

test.each(["xz", "zstd", "gzip", "none"])(
  "a package packed by %s plays what dpkg-deb unpacks",
  async (packing) => {
    const { path } = built(packing);
    const tar = execFileSync("dpkg-deb", ["--fsys-tarfile", path]);
    const listed = execFileSync("tar", ["-t"], { input: tar, encoding: "utf8" });
    const { entries, warnings } = await record(debLayer({ label: "x.deb", path }));
    expect(entries.map(({ entry }) => Buffer.from(entry.path).toString())).toEqual(
      listed.trimEnd().split("\n"),
    );
    expect(warnings).toEqual([]);
  },
);

test("with merged /usr all is below it, hard links follow, and links of the root stay", async () => {
  const { path } = built("xz");
  expect((await pathsOf(path, true)).sort()).toEqual([
    ".",
    "etc",
    "etc/conf",
    "lib64 -> usr/lib",
    "usr/bin",
    "usr/bin/prog",
    "usr/lib",
    "usr/lib/deep",
    "usr/lib/deep/file",
    "usr/lib/deep/soft -> file",
    "usr/lib/hard -> usr/lib/deep/file",
  ]);
});

test("a package that is cut, damaged or none is an error that names it", async () => {
  const { path, directory } = built("gzip");
  const whole = readFileSync(path);
  const bad = join(directory, "bad.deb");
  const outcome = async (bytes: Uint8Array): Promise<unknown> => {
    writeFileSync(bad, bytes);
    return pathsOf(bad).catch((error: unknown) => error);
  };
  for (let cut = 0; cut < whole.length - 1; cut += 97) {
    const error = (await outcome(whole.subarray(0, cut))) as { code: string; message: string };
    expect(["ARCHIVE_INVALID", "COMPRESSION_INVALID"]).toContain(error.code);
    expect(error.message).toContain("x.deb");
  }
  expect(await outcome(Buffer.from("<html>not found</html>"))).toMatchObject({
    code: "ARCHIVE_INVALID",
  });
  const renamed = Buffer.from(
    whole.toString("latin1").replace("debian-binary", "debian-bisary"),
    "latin1",
  );
  expect(await outcome(renamed)).toMatchObject({
    message: expect.stringContaining("wanted debian-binary"),
  });
  const later = Buffer.from(whole.toString("latin1").replace("2.0\n", "3.0\n"), "latin1");
  expect(await outcome(later)).toMatchObject({ message: expect.stringContaining("wanted 2.0") });
  const without = Buffer.from(whole.toString("latin1").replace("data.tar", "dato.tar"), "latin1");
  expect(await outcome(without)).toMatchObject({ message: expect.stringContaining("no data.tar") });
});

test("the oracle sees a difference: a flipped byte of the contents is found", async () => {
  const { path } = built("none");
  const bytes = readFileSync(path);
  const before = await record(debLayer({ label: "x.deb", path }));
  bytes[bytes.indexOf("hello")]! ^= 1;
  writeFileSync(path, bytes);
  const after = await record(debLayer({ label: "x.deb", path }));
  expect(after.entries).not.toEqual(before.entries);
});
