import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { jsonOf, startWick, wick } from "../support/cli.ts";
import { archive, file, pax } from "../support/tar-builder.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

interface Listed {
  readonly path: string;
  readonly kind: string;
  readonly mode: number;
  readonly uid: number;
  readonly sizeBytes: number;
  readonly target?: string;
}

async function listed(image: string): Promise<Map<string, Listed>> {
  const result = await wick(["ls", "-R", "--json", image, "/"]);
  expect(result.status, result.stderr).toBe(0);
  const nodes = result.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Listed);
  return new Map(nodes.map((node) => [node.path, node]));
}

/** A small root file system, with a usr-merged /sbin. */
function rootfs(directory: string): string {
  const tree = join(directory, "root fs");
  mkdirSync(join(tree, "usr/sbin"), { recursive: true });
  symlinkSync("usr/sbin", join(tree, "sbin"));
  writeFileSync(join(tree, "usr/sbin/app"), "#!/bin/sh\n", { mode: 0o755 });
  return tree;
}

test.each(["", "-z", "-J", "--zstd"])(
  "a directory and its tar (%s) give the same tree",
  async (compression) => {
    const directory = temporaryDirectory();
    const tree = rootfs(directory);
    const tar = join(directory, "tree.tar");
    execFileSync("tar", [
      "--format=posix",
      ...(compression === "" ? [] : [compression]),
      "-cf",
      tar,
      "-C",
      tree,
      ".",
    ]);
    const images = [join(directory, "a.ext4"), join(directory, "b.ext4")] as const;
    for (const [source, image] of [
      [`dir:${tree}`, images[0]],
      [`tar:${tar}`, images[1]],
    ] as const) {
      const result = await wick(["build", "--entrypoint", "/sbin/app", source, "-o", image]);
      expect(result.status, result.stderr).toBe(0);
    }
    const [a, b] = [await listed(images[0]), await listed(images[1])];
    expect([...a.keys()]).toEqual([...b.keys()]);
    expect([...b.values()]).toEqual([...a.values()]);
    expect(b.get("/usr/sbin/app")).toMatchObject({ kind: "file", mode: 0o755, sizeBytes: 10 });
    expect(b.get("/usr/sbin/init")).toMatchObject({ kind: "file", mode: 0o755, uid: 0 });
    expect(b.get("/.wick/config.json")).toMatchObject({ mode: 0o600, uid: 0 });
    expect(b.get("/sbin")).toMatchObject({ kind: "symlink", target: "usr/sbin" });
  },
);

test("--with merges a source on top, --add puts files and directories where they are wanted", async () => {
  const directory = temporaryDirectory();
  const tree = rootfs(directory);
  const top = join(directory, "top");
  mkdirSync(join(top, "usr/sbin"), { recursive: true });
  writeFileSync(join(top, "usr/sbin/app"), "the upper one\n", { mode: 0o755 });
  const conf = join(directory, "conf");
  mkdirSync(conf);
  writeFileSync(join(conf, "app.conf"), "from the host\n");
  const image = join(directory, "x.ext4");
  const result = await wick([
    "build",
    "--with",
    `dir:${top}`,
    "--add",
    `${conf}:/etc/app`,
    "--add",
    `${conf}/app.conf:/etc/`,
    "--entrypoint",
    "/sbin/app",
    `dir:${tree}`,
    "-o",
    image,
  ]);
  expect(result.status, result.stderr).toBe(0);
  expect((await wick(["cat", image, "/usr/sbin/app"])).stdout).toBe("the upper one\n");
  expect((await wick(["cat", image, "/etc/app/app.conf"])).stdout).toBe("from the host\n");
  expect((await wick(["cat", image, "/etc/app.conf"])).stdout).toBe("from the host\n");
});

test("inspect shows the application, sizes, features and the biggest files", async () => {
  const directory = temporaryDirectory();
  const image = join(directory, "x.ext4");
  const built = await wick([
    "build",
    "--label",
    "my-root",
    "--label",
    "org.example.a=b",
    "--expose",
    "80",
    "-e",
    "A=1",
    "-u",
    "www-data",
    "--size",
    "min",
    "--no-journal",
    "--json",
    "deb:busybox-static",
    "--entrypoint",
    "/usr/bin/busybox",
    "--cmd",
    "httpd",
    "--cmd",
    "-f",
    "-o",
    image,
  ]);
  expect(built.status, built.stderr).toBe(0);
  expect(jsonOf<object>(built)).toMatchObject({
    path: image,
    format: "ext4",
    application: { argv: ["/usr/bin/busybox", "httpd", "-f"] },
  });
  const found = jsonOf<{
    label: string;
    features: string[];
    freeBytes: number;
    sizeBytes: number;
    biggest: { path: string }[];
    application: object;
  }>(await wick(["inspect", "--json", image]));
  expect(found.label).toBe("my-root");
  expect(found.features).not.toContain("has_journal");
  expect(found.biggest[0]!.path).toBe("/usr/bin/busybox");
  expect(found.freeBytes).toBeLessThan(found.sizeBytes / 10);
  expect(found.application).toMatchObject({
    ports: ["80/tcp"],
    user: "www-data",
    labels: { "org.example.a": "b" },
  });
  const text = (await wick(["inspect", image])).stdout;
  expect(text).toMatch(/application: +\/usr\/bin\/busybox httpd -f/);
  expect(text).toMatch(/biggest files:\n.*busybox/);
});

test("ls has the form of ls -l, for a directory and for one file", async () => {
  const image = join(temporaryDirectory(), "x.ext4");
  await wick(["build", "--init", "none", "deb:busybox-static", "-o", image]);
  const root = (await wick(["ls", image])).stdout;
  expect(root).toMatch(/^drwxrwxrwt +\d+ 0 0 +\d+ 1970-01-01 00:00:00 tmp$/m);
  expect(root).toMatch(/^lrwxrwxrwx +1 0 0 +7 1970-01-01 00:00:00 bin -> usr\/bin$/m);
  expect((await wick(["ls", image, "/usr/bin/busybox"])).stdout).toMatch(
    /^-rwxr-xr-x 1 0 0 \d+ .* busybox$/m,
  );
  expect((await wick(["ls", image, "/bin/"])).stdout).toContain("busybox");
});

test("output that nobody reads to its end is no error", async () => {
  const image = join(temporaryDirectory(), "x.ext4");
  await wick(["build", "--init", "none", "deb:busybox-static", "-o", image]);
  const script = '"$@" | head -c 10 >/dev/null; echo "${PIPESTATUS[0]}"';
  const result = await wick(["cat", image, "/usr/bin/busybox"], {
    prefix: ["bash", "-c", script, "sh"],
  });
  expect(result.stdout.trim()).toBe("0");
  expect(result.stderr).toBe("");
});

test("help has examples and goes to stdout; a misspelt command gets a suggestion", async () => {
  const words = ["build", "run", "inspect", "ls", "cat", "version"];
  for (const word of words) {
    const help = await wick([word, "--help"]);
    expect(help.status).toBe(0);
    if (word !== "version") expect(help.stdout).toContain("Examples:");
  }
  const wrong = await wick(["biuld", "x"]);
  expect(wrong.status).toBe(1);
  expect(wrong.stderr).toMatch(/hint: .*build/);
});

test("without a terminal progress is plain lines, and none of it is on stdout", async () => {
  const image = join(temporaryDirectory(), "x.ext4");
  // Made, and not copied from the store of a former run.
  const label = ["--label", `drawn=${randomUUID()}`];
  const plain = await wick([
    "build",
    "--init",
    "none",
    ...label,
    "deb:busybox-static",
    "-o",
    image,
  ]);
  expect(plain.stdout).toBe(`${image}\n`);
  expect(plain.stderr).toMatch(/^-> Find deb:busybox-static$/m);
  expect(plain.stderr).toMatch(/^ok Write files/m);
  expect(plain.stderr).not.toContain("\u001b");
  const quiet = await wick(["build", "-q", "--init", "none", "deb:busybox-static", "-o", image]);
  expect([quiet.stdout, quiet.stderr]).toEqual([`${image}\n`, ""]);
  const raw = await wick([
    "build",
    "--progress",
    "rawjson",
    "--init",
    "none",
    "deb:busybox-static",
    "-o",
    image,
  ]);
  const events = raw.stderr
    .trim()
    .split("\n")
    .filter((line) => line.startsWith("{"));
  expect(events.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual(
    expect.arrayContaining(["started", "done"]),
  );
});

test("EROFS keeps times that no calendar reaches, and ls says them; -R says whole paths", async () => {
  const directory = temporaryDirectory();
  const image = join(directory, "x.erofs");
  const far = (name: string, seconds: string) =>
    Buffer.concat([pax([["mtime", seconds]]), file(name)]);
  const tar = join(directory, "far.tar");
  writeFileSync(
    tar,
    archive(far("dir/late", "99999999999999.5"), far("dir/year-20000", "569000000000")),
  );
  const built = await wick(["build", "-q", "--init", "none", "-o", image, `tar:${tar}`]);
  expect(built.status, built.stderr).toBe(0);
  const { stdout } = await wick(["ls", image, "/dir"]);
  expect(stdout).toMatch(/ @99999999999999 late\n.* \+020000-11-22 03:33:20 year-20000\n$/u);
  const late = (await listed(image)).get("/dir/late");
  expect(late).toMatchObject({ mtime: "@99999999999999.500000000" });
  expect((await wick(["ls", "-R", image])).stdout).toMatch(
    / \/dir\n.* \/dir\/late\n.* \/dir\/year-20000\n$/u,
  );
});

test("what cannot be looked into is called what it is", async () => {
  const tree = rootfs(temporaryDirectory());
  const tar = join(tree, "../x.tar");
  execFileSync("tar", ["-cf", tar, "-C", tree, "."]);
  for (const [path, error] of [
    [tree, /it is a directory, wanted an image file \[SOURCE_NOT_FOUND\]\nhint: wick build/u],
    ["/dev/null", /it is a device, pipe or socket, wanted an image file/u],
    [`${tree}/no`, /there is no such image file \[SOURCE_NOT_FOUND\]\nhint: wick build/u],
    [tar, /no image that wick knows, wanted ext4, EROFS or an initramfs \[IMAGE_INVALID\]\nhint/u],
  ] as const) {
    const result = await wick(["inspect", path]);
    expect([result.status, result.stdout]).toEqual([1, ""]);
    expect(result.stderr).toMatch(error);
  }
});

test("an image is no tar archive, though both may begin with zeros; an output is no stream", async () => {
  const directory = temporaryDirectory();
  const [image, output] = [join(directory, "x.ext4"), join(directory, "y.ext4")];
  const words = ["build", "-q", "--entrypoint", "/sbin/app", "-o"];
  expect((await wick([...words, image, `dir:${rootfs(directory)}`])).status).toBe(0);
  const refused = await wick([...words, output, `tar:${image}`]);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toMatch(
    /a finished image, wanted a source to build from \[UNSUPPORTED\]/u,
  );
  const streamed = await wick([...words, "-", `dir:${directory}`], { cwd: directory });
  expect(streamed.stderr).toMatch(/the output is -.*wanted a file \[USAGE\]\nhint: \.\/- /u);
  expect(readdirSync(directory).toSorted()).toEqual(["root fs", "x.ext4"]);
});

test("an archive comes through a named pipe; one that nobody writes to is given up by Ctrl-C", async () => {
  const directory = temporaryDirectory();
  const [pipe, image] = [join(directory, "pipe"), join(directory, "x.ext4")];
  execFileSync("mkfifo", [pipe]);
  const words = ["build", "--entrypoint", "/usr/sbin/app", "-o", image];
  const waits = startWick([...words, `tar:${pipe}`]);
  await waits.shown("Write files");
  waits.child.kill("SIGINT");
  expect(await waits.done).toMatchObject({ status: 130, stdout: "" });
  const added = await wick([...words, "--add", `${pipe}:/x`, `dir:${rootfs(directory)}`]);
  expect(added.stderr).toMatch(/it is a device, pipe or socket, wanted a file.*\[UNSUPPORTED\]/u);
  const taken = startWick([...words, `tar:${pipe}`]);
  execFileSync("sh", ["-c", 'tar -c -C "$0" . > "$1"', join(directory, "root fs"), pipe]);
  expect((await taken.done).status).toBe(0);
});
