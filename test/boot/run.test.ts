import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { jsonOf, startWick, wick } from "../support/cli.ts";
import { fetchPage } from "../support/fetch-page.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

/** Images for the whole file; made once, since each takes seconds. */
let images: string;
const image = (name: string): string => join(images, `${name}.ext4`);
const sha256 = (path: string): string =>
  createHash("sha256").update(readFileSync(path)).digest("hex");

beforeAll(async () => {
  images = lastingDirectory();
  const page = join(images, "index.html");
  writeFileSync(page, "<title>from the test</title>");
  for (const words of [
    ["-o", image("nginx"), "--add", `${page}:/var/www/html/index.html`, "deb:nginx-light"],
    ["-o", image("busybox"), "--entrypoint", "/usr/bin/busybox", "deb:busybox-static"],
  ]) {
    const result = await wick(["build", ...words]);
    expect(result.status, result.stderr).toBe(0);
  }
});

/** `wick run` of a shell line in the busybox image. */
function shell(line: string, ...options: string[]) {
  return wick(["run", "-q", ...options, image("busybox"), "sh", "-c", line]);
}

test("nginx from Debian's packages serves its page, and Ctrl-C ends the machine with 130", async () => {
  const before = sha256(image("nginx"));
  const running = startWick(["run", "-p", "80", image("nginx")]);
  await running.shown("-> 80/tcp");
  const port = portOf(running.text());
  expect(await fetchPage(`http://127.0.0.1:${port}/`)).toContain("from the test");
  running.child.kill("SIGINT");
  const result = await running.done;
  expect(result.status).toBe(130);
  expect(result.stdout).toContain("GET / HTTP/1.1");
  expect(sha256(image("nginx"))).toBe(before);
});

test.each([
  ["exit 0", 0],
  ["exit 7", 7],
  ["kill -9 $$", 137],
  ["kill -TERM $$", 143],
])("the application's own end comes back: %s is %i", async (line, status) => {
  const result = await shell(line);
  expect([result.status, result.stderr]).toEqual([status, expect.anything()]);
});

test("a program that is missing is 127, one that may not be executed is 126, both said", async () => {
  const missing = await wick(["run", "-q", "--entrypoint", "", image("busybox"), "/no/such"]);
  expect(missing.status).toBe(127);
  expect(missing.stderr).toContain('"/no/such"');
  const plain = await wick(["run", "-q", "--entrypoint", "", image("busybox"), "/etc/passwd"]);
  expect(plain.status).toBe(126);
  expect(plain.stderr).toContain("not executable");
});

test("command, environment, directory and user of a run reach the application exactly", async () => {
  const odd = `a'b"c $d\\ü`;
  const result = await wick([
    "run",
    "-q",
    "-e",
    `ODD=${odd}`,
    "-e",
    "EMPTY=",
    "-w",
    "/var/tmp",
    "-u",
    "www-data:adm",
    "-h",
    "box",
    image("busybox"),
    "sh",
    "-c",
    'printf "%s|%s|%s|%s|%s\\n" "$ODD" "${EMPTY-unset}" "$(pwd)" "$(id -u):$(id -g):$(id -G)" "$(hostname)"; printf "%s\\n" "$@"',
    "sh",
    "one arg",
    "*",
  ]);
  expect(result.status, result.stderr).toBe(0);
  const text = Buffer.from(result.stdout, "latin1").toString().replaceAll("\r", "");
  expect(text).toContain(`${odd}||/var/tmp|33:4:4|box\none arg\n*\n`);
});

test("the root takes writes, --read-only and --root ro do not, and the image stays as it was", async () => {
  const before = sha256(image("busybox"));
  expect((await shell("echo x > /new && cat /new")).stdout).toContain("x");
  expect((await shell("echo x > /new", "--read-only")).status).not.toBe(0);
  expect((await shell("echo x > /new", "--root", "ro")).status).not.toBe(0);
  expect((await shell("echo x > /new && sync && cat /new", "--root", "copy")).stdout).toContain(
    "x",
  );
  expect(sha256(image("busybox"))).toBe(before);
});

test("the article's form: /sbin/init as a script, the former one kept, serves its page", async () => {
  const directory = temporaryDirectory();
  const output = join(directory, "script.ext4");
  mkdirSync(join(directory, "www/sbin"), { recursive: true });
  writeFileSync(join(directory, "www/index.html"), "<title>from the script</title>");
  writeFileSync(join(directory, "www/sbin/init"), "former", { mode: 0o755 });
  const built = await wick([
    "build",
    "--init",
    "script",
    "--with",
    `dir:${directory}/www`,
    "-o",
    output,
    "--entrypoint",
    '["/usr/bin/busybox","httpd","-f","-p","80","-h","/"]',
    "deb:busybox-static",
  ]);
  expect(built.status, built.stderr).toBe(0);
  expect((await wick(["cat", output, "/sbin/init"])).stdout).toMatch(/^#!\/bin\/sh\n/);
  expect((await wick(["cat", output, "/sbin/init.old"])).stdout).toBe("former");
  const running = startWick(["run", "-p", "127.0.0.1:0:80", output]);
  await running.shown("-> 80/tcp");
  const port = portOf(running.text());
  expect(await fetchPage(`http://127.0.0.1:${port}/`)).toContain("from the script");
  running.child.kill("SIGTERM");
  expect((await running.done).status).toBe(143);
});

function portOf(text: string): number {
  return Number(/127\.0\.0\.1:(\d+) -> 80\/tcp/.exec(text)![1]);
}

test("run tells its result as one JSON object and its progress as JSON lines", async () => {
  const result = await wick(["run", "--json", "--progress", "rawjson", image("busybox"), "true"]);
  const json = jsonOf<{
    status: number;
    report: { kind: string };
    timeline: { name: string; ms: number }[];
  }>(result);
  expect(json).toMatchObject({ status: 0, report: { kind: "exited", status: 0 } });
  const names = json.timeline.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(["kernel started", "stage1", "root", "stage2", "application"]),
  );
  const times = json.timeline.map(({ ms }) => ms);
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

test("a machine with files of its own boots again by the plain command that wick prints", async () => {
  const directory = join(temporaryDirectory(), "kept files");
  const { run } = await import("../../src/index.ts");
  const machine = await run(
    { source: image("busybox"), command: ["echo", "hello by hand"], directory },
    { environment: process.env, workingDirectory: directory, onEvent: () => undefined },
  );
  await machine.exited;
  const [program, ...words] = machine.commandByHand;
  // A test of the kernel's that fails on a busy host would speak amid the application's output.
  if (process.arch === "x64") expect(words.join(" ")).toContain("no_timer_check");
  const output = execFileSync(program!, words, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 60_000,
  });
  expect(output).toContain("hello by hand");
  expect(readdirSync(directory)).toEqual(expect.arrayContaining(["initrd.cpio", "overlay.ext4"]));
});
