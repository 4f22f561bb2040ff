/** examples/nginx-list: what its README says, done. */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { bootParts } from "../support/boot-parts.ts";
import { startMachine } from "../support/booted-machine.ts";
import { startWick, testCache, wick } from "../support/cli.ts";
import { fetchPage } from "../support/fetch-page.ts";
import { genInitCpio } from "../support/gen-init-cpio.ts";
import { lastingDirectory } from "../support/temporary-directory.ts";

const examples = fileURLToPath(new URL("../../examples", import.meta.url));
const TOKEN = `served by process 1, ${process.pid}`;

let work: string;
const at = (name: string): string => join(work, name);
const source = (): string[] => ["--list-var", `NGINX=${at("nginx")}`, `list:${at("list")}`];

beforeAll(() => {
  genInitCpio();
  work = lastingDirectory();
  const script = join(examples, "nginx-single-file/build-nginx.sh");
  const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
  const env = { ...process.env, CACHE: join(testCache, "nginx-single-file") };
  execFileSync("sh", [script, arch, at("nginx")], { env, stdio: "pipe" });
  cpSync(join(examples, "nginx-list"), at("list"), { recursive: true });
  writeFileSync(at("list/html/index.html"), `<title>${TOKEN}</title>\n`);
}, 600_000);

test("the list gives the archive that the kernel's build would have, and nginx begins as process 1", async () => {
  const built = await wick(["build", "-q", "--init", "none", ...source(), "-o", at("nginx.cpio")]);
  expect(built.status, built.stderr).toBe(0);
  const env = { NGINX: at("nginx") };
  const words = ["-t", "0", "initramfs_list"];
  const limits = { cwd: at("list"), env, maxBuffer: 1 << 28 };
  const theirs = spawnSync(genInitCpio(), words, limits).stdout;
  expect(readFileSync(at("nginx.cpio")).equals(theirs)).toBe(true);
  expect(spawnSync(genInitCpio(), words, { ...limits, env: {} }).status).not.toBe(0);

  const spec = { work, initrd: at("nginx.cpio"), channel: false, memoryMiB: 128 } as const;
  const machine = await startMachine(await bootParts(), spec);
  await machine.untilConsole("[notice] 1#0: OS: Linux");
  await machine.kill();
});

test("wick's init serves the page of the same list", async () => {
  const running = startWick(["run", "-p", "80", "--entrypoint", "/init", ...source()]);
  await running.shown("-> 80/tcp");
  const port = /127\.0\.0\.1:(\d+) -> 80\/tcp/.exec(running.text())?.[1];
  for (const path of ["", "home.html", "welcome.html"]) {
    expect(await fetchPage(`http://127.0.0.1:${port}/${path}`)).toContain(TOKEN);
  }
  running.child.kill("SIGINT");
  expect((await running.done).status).toBe(130);
});
