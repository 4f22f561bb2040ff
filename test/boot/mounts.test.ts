import { createServer } from "node:net";
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { wick } from "../support/cli.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

let image: string;

beforeAll(async () => {
  image = join(lastingDirectory(), "busybox.ext4");
  const built = await wick([
    "build",
    "-q",
    "-o",
    image,
    "--entrypoint",
    "/usr/bin/busybox",
    "--expose",
    "81",
    "--with",
    `dir:${overlaidRoot()}`,
    "deb:busybox-static",
  ]);
  expect(built.status, built.stderr).toBe(0);
});

/** A root whose /srv/link leads out by name and stays inside, and which has names of its own. */
function overlaidRoot(): string {
  const root = temporaryDirectory();
  mkdirSync(join(root, "srv/real"), { recursive: true });
  mkdirSync(join(root, "etc"));
  symlinkSync("../../../../srv/real", join(root, "srv/link"));
  writeFileSync(join(root, "etc/hostname"), "builder\n");
  writeFileSync(join(root, "etc/resolv.conf"), "nameserver 192.0.2.1\n");
  writeFileSync(join(root, "etc/hosts"), "192.0.2.1 builder\n");
  return root;
}

function shell(directory: string, line: string, ...options: string[]) {
  return wick(["run", "-q", ...options, image, "sh", "-c", line], { cwd: directory });
}

test("C7: -v shows folders and files as they are, read-only, wherever they lie", async () => {
  const directory = temporaryDirectory();
  const odd = join(directory, "con f,readonly=off");
  mkdirSync(join(odd, "sub"), { recursive: true });
  writeFileSync(join(odd, "a"), "from the folder\n");
  writeFileSync(join(directory, "single"), "from the file\n");
  symlinkSync("single", join(directory, "link"));
  chmodSync(join(odd, "a"), 0o640);
  chownSync(join(odd, "a"), 101, 102);
  const line = [
    'cat "/etc/new place/a" /opt/deep/file /srv/real/file /etc/motd',
    'stat -c "%a %u:%g" "/etc/new place/a"',
    'ls -A "/etc/new place"',
    '(echo x > "/etc/new place/a") 2>/dev/null || echo refused',
    "(mount -o remount,rw /opt/deep/file) 2>/dev/null || echo still refused",
    'echo y > "/etc/new place/sub/y" && echo written',
    "ls -A /dev | grep -c wick",
  ].join("; ");
  const result = await shell(
    directory,
    line,
    "-v",
    "./con f,readonly=off:/etc/new place",
    "-v",
    `${directory}/link:/opt/deep/file:ro`,
    "-v",
    "./single:/srv/link/file",
    "--tmpfs",
    "/etc/new place/sub:size=64k",
    "--mount",
    `type=bind,src=${directory}/single,dst=/etc/motd,readonly`,
  );
  expect(result.stdout.replaceAll("\r", "")).toBe(
    [
      "from the folder\nfrom the file\nfrom the file\nfrom the file\n",
      "640 101:102\na\nsub\nrefused\nstill refused\nwritten\n0\n",
    ].join(""),
  );
  expect(result.status, result.stderr).toBe(1);
});

test("what is mounted is a copy: said in a note, and the folder stays as it was", async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "a"), "before\n");
  const result = await wick(["run", "-v", ".:/data", image, "cat", "/data/a"], { cwd: directory });
  expect(result.stdout).toContain("before");
  expect(result.stderr).toMatch(/\/data: a copy as of now, read-only/u);
});

test.each([
  ["a source that is missing", ["-v", "./none:/x"], /no such file or directory/u],
  ["a volume's name", ["-v", "data:/x"], /would be a volume.*\n.*\.\/data/u],
  [":rw", ["-v", ".:/x:rw"], /cannot write to it/u],
  ["a socket of the host", ["-v", "./socket:/x"], /a socket, which no machine reaches/u],
  ["a device", ["-v", "/dev/null:/x"], /no file or directory/u],
])("%s is refused before anything starts", async (_name, options, words) => {
  const directory = temporaryDirectory();
  const server = createServer().listen(join(directory, "socket"));
  try {
    const result = await shell(directory, "true", ...options);
    expect([result.status, result.stdout]).toEqual([125, ""]);
    expect(result.stderr).toMatch(words);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test("a mount point that a read-only root cannot make ends the machine and is named", async () => {
  const directory = temporaryDirectory();
  const result = await shell(directory, "echo ran", "--root", "ro", "-v", ".:/none/such");
  expect(result.status).toBe(125);
  expect(result.stderr).toContain("/none/such");
  expect(result.stdout).not.toContain("ran");
});

test("build takes no -v and says --add", async () => {
  const result = await wick(["build", "-v", "./conf:/etc/nginx", "-o", "x.ext4", "dir:."]);
  expect(result.status).toBe(1);
  expect(result.stderr).toContain("--add ./conf:/etc/nginx");
});

test("names are the machine's, not those of the machine that built the image", async () => {
  const line =
    "cat /etc/hostname /etc/resolv.conf; grep -c builder /etc/hosts; grep box /etc/hosts";
  const result = await shell(temporaryDirectory(), line, "-h", "box");
  expect(result.stdout.replaceAll("\r", "")).toBe("box\nnameserver 10.0.2.3\n0\n10.0.2.15\tbox\n");
});

test("-P publishes what the image exposes and -p does not name, on free ports", async () => {
  const result = await wick([
    "run",
    "-P",
    "-p",
    "0:9090",
    "--expose",
    "9090-9091",
    "--json",
    "--timeout",
    "30s",
    image,
    "sh",
    "-c",
    "for p in 80 81 9090 9091; do busybox httpd -p $p; done; sleep 1",
  ]);
  const { ports } = JSON.parse(result.stdout) as {
    ports: { hostPort: number; guestPort: number }[];
  };
  expect(ports.map(({ guestPort }) => guestPort).sort()).toEqual([80, 81, 9090, 9091]);
  expect(ports.every(({ hostPort }) => hostPort > 0)).toBe(true);
});
