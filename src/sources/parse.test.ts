import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { lookAtFile } from "./file-kind.ts";
import { openSource } from "./open.ts";
import { parseSource } from "./parse.ts";

const at = (text: string, cwd = "/somewhere"): ReturnType<typeof parseSource> =>
  parseSource(text, { cwd });

test("a prefix says what the rest is; paths become absolute, the standard input stays", () => {
  expect(at("deb:nginx-light,curl=7.88*")).toMatchObject({
    kind: "deb",
    rest: "nginx-light,curl=7.88*",
  });
  expect(at("dir:rootfs")).toMatchObject({ kind: "dir", rest: "/somewhere/rootfs" });
  expect(at("dir:/r:x")).toMatchObject({ kind: "dir", rest: "/r:x", reference: "dir:/r:x" });
  expect(at("tar:-")).toMatchObject({ kind: "tar", rest: "-" });
  expect(at("tar:./a.tar")).toMatchObject({ kind: "tar", rest: "/somewhere/a.tar" });
});

/** A directory with a file of each kind, whatever it is called. */
function planted(): string {
  const root = temporaryDirectory();
  const file = (name: string, bytes: Uint8Array | string): void =>
    writeFileSync(join(root, name), bytes);
  mkdirSync(join(root, "rootfs"));
  file("rootfs/hello", "hello");
  for (const format of ["gnu", "v7", "pax"]) {
    execFileSync("tar", [
      "-C",
      root,
      `--format=${format}`,
      "-cf",
      join(root, `${format}.x`),
      "rootfs",
    ]);
  }
  file("gnu.gz", execFileSync("gzip", ["-c", join(root, "gnu.x")]));
  execFileSync("mke2fs", ["-q", "-t", "ext4", join(root, "disk"), "2M"]);
  file("disk.ext4", "");
  execFileSync("cp", [join(root, "disk"), join(root, "disk.img")]);
  execFileSync("sh", ["-c", 'cd "$0" && echo rootfs | cpio -o -H newc > new.cpio 2>&-', root]);
  file("text.tar", "hello");
  return root;
}

test("a kernel that ends as wick pack ends it is an image, by its suffix or as a path", () => {
  const root = temporaryDirectory();
  const packed = (name: string, bytes: string): void => writeFileSync(join(root, name), bytes);
  packed("app.image", `MZ${"\0".repeat(4096)}WICKPACK`);
  packed("app.vmlinux", `\x7fELF${"\0".repeat(4096)}WICKPACK`);
  packed("app.bzImage", `MZ${"\0".repeat(4096)}WICKPAC`);
  packed("small", "WICKPAC");
  for (const name of ["app.image", "./app.image", "app.vmlinux"]) {
    expect(at(name, root).kind).toBe("image");
  }
  expect(() => at("app.bzImage", root)).toThrow("of an unknown kind");
  expect(() => at("./small", root)).toThrow("of an unknown kind");
  const archive = join(root, "new.cpio");
  writeFileSync(archive, `070701${"0".repeat(4096)}WICKPACK`);
  expect(lookAtFile(archive)).toBe("cpio");
});

test("a path is looked at by its magic number, not its name", () => {
  const root = planted();
  const kinds = (...names: string[]): string[] => names.map((name) => at(`./${name}`, root).kind);
  expect(kinds("rootfs", "gnu.x", "v7.x", "pax.x", "gnu.gz", "disk")).toEqual([
    "dir",
    "tar",
    "tar",
    "tar",
    "tar",
    "image",
  ]);
  expect(at("disk.img", root)).toEqual({
    kind: "image",
    rest: join(root, "disk.img"),
    reference: "disk.img",
  });
  expect(at(join(root, "disk")).kind).toBe("image");
  expect(at(".", join(root, "rootfs")).kind).toBe("dir");
  expect(lookAtFile(process.execPath)).toBe("elf");
});

test("files that cannot be used say what they are", () => {
  const root = planted();
  for (const [name, error] of [
    ["./none", { code: "SOURCE_NOT_FOUND" }],
    ["none.ext4", { code: "SOURCE_NOT_FOUND" }],
    ["text.tar", { code: "SOURCE_FAILED", message: expect.stringContaining("unknown kind") }],
    ["disk.ext4", { code: "SOURCE_FAILED" }],
    ["/dev/null", { code: "SOURCE_FAILED", hint: expect.stringContaining("tar:-") }],
    [process.execPath, { code: "UNSUPPORTED", message: expect.stringContaining("a program") }],
  ] as const) {
    expect(() => at(name, root), name).toThrow(expect.objectContaining(error));
  }
  expect(at("./new.cpio", root).kind).toBe("image");
});

test("any other word is a registry's name by Docker's rules, never a file", () => {
  for (const [text, rest] of [
    ["nginx", "docker.io/library/nginx:latest"],
    ["docker:nginx:alpine", "docker.io/library/nginx:alpine"],
    ["localhost:5000/x:1", "localhost:5000/x:1"],
    ["tor:1.0", "docker.io/library/tor:1.0"],
  ] as const) {
    expect(at(text), text).toMatchObject({ kind: "registry", rest, reference: text });
  }
  expect(at("dbe:nginx")).toMatchObject({ kind: "registry", meant: "deb:nginx" });
  expect(at("nginx:alpine").meant).toBeUndefined();
  const root = temporaryDirectory();
  mkdirSync(join(root, "rootfs"));
  expect(at("rootfs", root)).toMatchObject({ kind: "registry", meant: "./rootfs" });
  expect(() => at("rootfs/", root)).toThrow(
    expect.objectContaining({ code: "USAGE", hint: expect.stringContaining("(./rootfs/)") }),
  );
  expect(() => at("Not/A_name:")).toThrow(expect.objectContaining({ code: "USAGE" }));
  expect(() => at("a..b")).toThrow(
    expect.objectContaining({ hint: expect.stringContaining("with . _ - and / between") }),
  );
});

test("layouts and archives have a tag after the path, which may itself hold colons", () => {
  const root = temporaryDirectory();
  mkdirSync(join(root, "a:b"));
  writeFileSync(join(root, "x.tar"), "");
  for (const [text, rest, tag] of [
    ["oci:./a:b", join(root, "a:b"), undefined],
    ["oci:./a:b:1.0", join(root, "a:b"), "1.0"],
    ["oci:a:b:v:1", join(root, "a:b"), "v:1"],
    ["docker-archive:./x.tar:reg:5000/n:1", join(root, "x.tar"), "reg:5000/n:1"],
    ["oci-archive:x.tar", join(root, "x.tar"), undefined],
    ["docker-archive:-", "-", undefined],
    ["docker-archive:-:n:1", "-", "n:1"],
    ["oci:none:1", join(root, "none:1"), undefined],
  ] as const) {
    const parsed = at(text, root);
    expect([parsed.rest, parsed.tag], text).toEqual([rest, tag]);
  }
  expect(at("docker-daemon:app:1")).toMatchObject({ kind: "docker-daemon", rest: "app:1" });
  expect(at("podman:localhost/app")).toMatchObject({ kind: "podman", rest: "localhost/app" });
  expect(() => at("podman:../x")).toThrow(expect.objectContaining({ code: "USAGE" }));
});

test("a directory is a layout or a Dockerfile's folder by what is in it", () => {
  const root = temporaryDirectory();
  for (const name of ["layout", "folder", "plain"]) mkdirSync(join(root, name));
  writeFileSync(join(root, "layout/oci-layout"), "{}");
  writeFileSync(join(root, "folder/Containerfile"), "FROM scratch");
  expect(["layout", "folder", "plain"].map((name) => at(`./${name}`, root).kind)).toEqual([
    "oci",
    "dockerfile",
    "dir",
  ]);
  const options = { cwd: root, hasDockerfile: true };
  expect(parseSource("./plain", options).kind).toBe("dockerfile");
  expect(at("dir:folder", root).kind).toBe("dir");
});

test("empty sources and bad packages are USAGE before anything is done", () => {
  const options = { cacheDirectory: "/nonexistent", architecture: "x86_64" } as const;
  for (const text of ["", "deb:", "dir:", "tar:", "oci:", "podman:", "docker:"]) {
    expect(() => at(text), text).toThrow(expect.objectContaining({ code: "USAGE" }));
  }
  for (const text of [
    "deb:a,,b",
    "deb:-o",
    "deb:../x",
    "deb:a b",
    "deb:nginx-",
    "deb:a=1 2",
    "deb:A",
  ]) {
    expect(() => openSource(at(text), options), text).toThrow(
      expect.objectContaining({ code: "USAGE" }),
    );
  }
  expect(openSource(at("deb:g++,libstdc++6=12*"), options).reference).toBe(
    "deb:g++,libstdc++6=12*",
  );
});

test("a finished image is no source to build from", () => {
  const root = planted();
  const parsed = at("./disk", root);
  expect(() => openSource(parsed, { cacheDirectory: root, architecture: "x86_64" })).toThrow(
    expect.objectContaining({ code: "UNSUPPORTED" }),
  );
});

test("docker://NAME, as skopeo writes it, is docker:NAME", () => {
  const { kind, rest } = parseSource("docker://nginx:alpine", { cwd: "/" });
  expect({ kind, rest }).toEqual({ kind: "registry", rest: "docker.io/library/nginx:alpine" });
});
