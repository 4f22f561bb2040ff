/** One image in every shape that other people's tools write: each source gives the same tree. */
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStore } from "../../src/store/index.ts";
import { archive, file, header, pax } from "../support/tar-builder.ts";
import { treeOf } from "../support/image-tree.ts";
import { manifestOfDirectory } from "../support/manifest.ts";
import { ContainersStorage, type PodmanService } from "../support/podman-service.ts";
import { lastingDirectory } from "../support/temporary-directory.ts";
import { startWick } from "../support/cli.ts";

const NAME = "example.org/team/app:v1";
const run = (program: string, ...args: string[]): void =>
  void execFileSync(program, args, { stdio: "pipe" });

let root = "";
let storage: ContainersStorage;
let service: PodmanService;
let socket = "";
const at = (name: string): string => join(root, name);

/** A base, a layer that replaces and links, a layer that takes away. */
function layers(): Uint8Array[] {
  const directory = (name: string, fields = {}): Uint8Array =>
    header({ name, typeflag: "5", mode: 0o755, mtime: 1e9, ...fields });
  return [
    archive(
      directory("./"),
      directory("etc/"),
      file("etc/passwd", "root:x:0:0::/:/bin/sh\n", { mtime: 1e9 }),
      file("etc/gone", "gone", { mtime: 5 }),
      directory("bin/", { mode: 0o1777 }),
      file("bin/app", "#!/bin/sh\n".repeat(3000), { mode: 0o4755, mtime: 7, uid: 12, gid: 34 }),
      header({ name: "bin/sh", typeflag: "2", linkname: "app", mode: 0o777 }),
      directory("opt/"),
      file("opt/a", "a"),
      file("opt/b", "b"),
    ),
    archive(
      directory("etc/", { mode: 0o700 }),
      header({ name: "etc/linked", typeflag: "1", linkname: "bin/app" }),
      pax([["SCHILY.xattr.user.note", "é"]]),
      file("etc/noted", "noted"),
      directory("opt/"),
      file("opt/.wh..wh..opq"),
      file("opt/c", "c"),
    ),
    archive(directory("etc/", { mode: 0o700 }), file("etc/.wh.gone")),
  ];
}

beforeAll(async () => {
  root = lastingDirectory();
  run("umoci", "init", "--layout", at("oci"));
  run("umoci", "new", "--image", `${at("oci")}:v1`);
  layers().forEach((layer, index) => {
    writeFileSync(at(`layer-${index}.tar`), layer);
    run("umoci", "raw", "add-layer", "--image", `${at("oci")}:v1`, at(`layer-${index}.tar`));
  });
  const config = ["entrypoint", "/bin/app", "env", "A=1", "workingdir", "/opt", "user", "12:34"];
  const more = ["exposedports", "80", "stopsignal", "SIGQUIT", "label", "a=b", "volume", "/data"];
  const words = [...config, ...more].map((word, i) => (i % 2 === 0 ? `--config.${word}` : word));
  run("umoci", "config", "--image", `${at("oci")}:v1`, ...words);
  run("umoci", "unpack", "--image", `${at("oci")}:v1`, at("bundle"));
  const from = `oci:${at("oci")}:v1`;
  run("skopeo", "copy", from, `docker-archive:${at("d.tar")}:${NAME}`);
  run("skopeo", "copy", from, `oci-archive:${at("o.tar")}:v1`);
  run("skopeo", "copy", "--dest-compress-format", "zstd", from, `oci:${at("zstd")}:v1`);
  run("skopeo", "copy", "--dest-decompress", from, `dir:${at("plain")}`);
  run("skopeo", "copy", "--format", "v2s2", from, `oci-archive:${at("v2s2.tar")}:v1`);
  storage = new ContainersStorage(at("s"));
  run("skopeo", "copy", from, storage.name(NAME));
  storage.buildah("push", NAME, `oci:${at("buildah")}:pushed`);
  storage.podman("save", "--format", "docker-archive", "-o", at("podman.tar"), NAME);
  storage.podman("save", "--format", "oci-archive", "-o", at("podman-oci.tar"), NAME);
  socket = at("p.sock");
  service = await storage.serve(socket);
});

afterAll(() => service.stop());

/** As `docker save` has written it since 25: an OCI layout with a manifest.json beside it. */
function saveAsNewDocker(): void {
  const work = at("new-docker");
  execFileSync("cp", ["-r", at("oci"), work]);
  const index = JSON.parse(readFileSync(join(work, "index.json"), "utf8")) as {
    manifests: { digest: string }[];
  };
  const blob = (digest: string): string => `blobs/${digest.replace(":", "/")}`;
  const manifest = JSON.parse(
    readFileSync(join(work, blob(index.manifests[0]!.digest)), "utf8"),
  ) as { config: { digest: string }; layers: { digest: string }[] };
  const Layers = manifest.layers.map(({ digest }) => blob(digest));
  const item = { Config: blob(manifest.config.digest), RepoTags: [NAME], Layers };
  writeFileSync(join(work, "manifest.json"), JSON.stringify([item]));
  run("tar", "-C", work, "-cf", at("new-docker.tar"), ".");
}

const config = {
  Entrypoint: ["/bin/app"],
  Env: expect.arrayContaining(["A=1"]),
  WorkingDir: "/opt",
  User: "12:34",
  ExposedPorts: { "80/tcp": {} },
  StopSignal: "SIGQUIT",
  Labels: { a: "b" },
  Volumes: { "/data": {} },
};

test("every shape of one image gives what umoci unpacks", async () => {
  saveAsNewDocker();
  run("gzip", "-k", at("d.tar"));
  run("zstd", "-q", at("o.tar"));
  const environment = { CONTAINER_HOST: `unix://${socket}`, DOCKER_HOST: `unix://${socket}` };
  const expected = manifestOfDirectory(at("bundle/rootfs"));
  expect(expected.length).toBeGreaterThan(9);
  const shapes = [
    "oci:oci",
    "oci:oci:v1",
    "./oci",
    "oci:zstd:v1",
    "oci:buildah:pushed",
    "oci-archive:o.tar",
    "oci-archive:o.tar:v1",
    "oci-archive:v2s2.tar",
    "oci-archive:o.tar.zst",
    "oci-archive:podman-oci.tar",
    "./o.tar",
    "./o.tar.zst",
    "docker-archive:d.tar",
    `docker-archive:d.tar:${NAME}`,
    "docker-archive:d.tar.gz",
    "docker-archive:podman.tar",
    "docker-archive:new-docker.tar",
    "oci-archive:new-docker.tar",
    "./d.tar",
    "./d.tar.gz",
    "./new-docker.tar",
    "./podman.tar",
    `podman:${NAME}`,
    `docker-daemon:${NAME}`,
  ];
  const by = { cache: at("cache"), cwd: root, environment };
  for (const shape of shapes) {
    const { lines, contents } = await treeOf(shape, by);
    expect(lines, shape).toEqual(expected);
    expect(contents.config, shape).toMatchObject(config);
    expect(contents.identity, shape).toMatch(/^image sha256:[0-9a-f]{64} linux\//);
  }
});

test("the comparison notices one byte: the same image with another file differs", async () => {
  const other = at("other");
  run("cp", "-r", at("oci"), other);
  writeFileSync(at("one.tar"), archive(file("etc/noted", "Noted")));
  run("umoci", "raw", "add-layer", "--image", `${other}:v1`, at("one.tar"));
  const { lines } = await treeOf("oci:other:v1", { cache: at("cache"), cwd: root });
  expect(lines).not.toEqual(manifestOfDirectory(at("bundle/rootfs")));
});

test("the identity is the manifest's digest, and of docker save that of the config", async () => {
  const by = { cache: at("cache"), cwd: root };
  const [oci, packed] = [await treeOf("oci:oci", by), await treeOf("oci-archive:o.tar", by)];
  expect(oci.contents.identity).toBe(packed.contents.identity);
  const index = JSON.parse(readFileSync(at("oci/index.json"), "utf8")) as {
    manifests: { digest: string }[];
  };
  expect(oci.contents.identity).toContain(index.manifests[0]!.digest);
  const id = storage.podman("images", "--no-trunc", "-q").trim();
  expect((await treeOf("docker-archive:d.tar", by)).contents.identity).toContain(id);
});

test("a Docker image that buildah made from nothing keeps all of its config, healthcheck too", async () => {
  writeFileSync(at("hello"), "hello");
  storage.buildah("from", "--name", "made", "scratch");
  storage.buildah("copy", "--chmod", "755", "--chown", "7:8", "made", at("hello"), "/hello");
  const healthcheck = ["--healthcheck", "CMD-SHELL true", "--healthcheck-interval", "5s"];
  const words = ["--cmd", '["/hello", "a b"]', "--port", "53/udp", "--stop-signal", "SIGUSR1"];
  storage.buildah("config", ...healthcheck, ...words, "--env", "A=x y", "made");
  const target = `docker-archive:${at("made.tar")}:made:1`;
  storage.buildah("commit", "--format", "docker", "made", target);
  const { lines, contents } = await treeOf("./made.tar", { cache: at("cache"), cwd: root });
  expect(lines[1]).toMatch(/^\/hello\|file\|755\|7:8\|.*\|5 2cf24dba5fb0a30e/);
  expect(contents.config).toMatchObject({
    Cmd: ["/hello", "a b"],
    Env: expect.arrayContaining(["A=x y"]),
    ExposedPorts: { "53/udp": {} },
    StopSignal: "SIGUSR1",
    Healthcheck: { Test: ["CMD-SHELL", "true"], Interval: 5e9 },
  });
});

test("an engine that is not there, or has no such image, is named with what to try", async () => {
  const by = (environment: Record<string, string>) => ({ cache: at("cache"), environment });
  const there = { CONTAINER_HOST: `unix://${socket}` };
  await expect(treeOf("podman:localhost/none:1", by(there))).rejects.toMatchObject({
    code: "SOURCE_NOT_FOUND",
    message: expect.stringContaining(socket),
    hint: expect.stringContaining("podman images"),
  });
  for (const [source, environment, words] of [
    ["podman:x", { CONTAINER_HOST: `unix://${at("no.sock")}` }, at("no.sock")],
    ["docker-daemon:x", { DOCKER_HOST: "tcp://127.0.0.1:1" }, "tcp://127.0.0.1:1"],
    ["podman:x", { XDG_RUNTIME_DIR: root }, `${root}/podman/podman.sock`],
  ] as const) {
    await expect(treeOf(source, by(environment)), source).rejects.toMatchObject({
      code: "REGISTRY_FAILED",
      message: expect.stringContaining(words),
      hint: expect.stringMatching(/start/i),
    });
  }
  const ssh = by({ DOCKER_HOST: "ssh://me@there" });
  await expect(treeOf("docker-daemon:x", ssh)).rejects.toMatchObject({ code: "UNSUPPORTED" });
});

test("S11: what an archive calls its image binds no name of the store", async () => {
  const cache = at("cache-names");
  for (const source of ["docker-archive:d.tar.gz", "oci-archive:o.tar.zst", `podman:${NAME}`]) {
    const environment = { CONTAINER_HOST: `unix://${socket}` };
    await treeOf(source, { cache, cwd: root, environment });
  }
  expect(openStore({ directory: cache }).names.list()).toEqual([]);
});

test("an archive comes through a pipe, and nothing of it is left afterwards", async () => {
  const cache = at("cache-stdin");
  for (const [source, name] of [
    ["docker-archive:-", "d.tar"],
    ["oci-archive:-", "o.tar.zst"],
  ] as const) {
    const output = at("piped.ext4");
    const words = ["build", "--json", "--init", "none", source, "-o", output];
    const env = { WICK_CACHE: cache, XDG_CACHE_HOME: cache };
    const started = startWick(words, { stdin: readFileSync(at(name)), env });
    const { status, stderr } = await started.done;
    expect(status, stderr).toBe(0);
    rmSync(output);
    const left = execFileSync("find", [cache, "-name", "*.spool"], { encoding: "utf8" });
    expect(left).toBe("");
  }
});

test("an archive may be what a shell's <( ) names: a link of /proc to a pipe", async () => {
  const bin = join(import.meta.dirname, "../../dist/bin/wick.cjs");
  for (const kind of ["docker-archive", "oci-archive"]) {
    const name = at(kind === "oci-archive" ? "o.tar.zst" : "d.tar");
    const script = `exec "$1" build -q --init none "$2:"<(cat "$3") -o "$4"`;
    run("bash", "-c", script, "bash", bin, kind, name, at("substituted.ext4"));
    rmSync(at("substituted.ext4"));
  }
});
