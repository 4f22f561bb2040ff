/** examples/nginx-single-file as its README has it: one command, and one file answers. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync, cpSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { freePort } from "../support/booted-machine.ts";
import { mainFile, testCache } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const example = fileURLToPath(new URL("../../examples/nginx-single-file", import.meta.url));

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A copy of the example, to be changed; compiled once for all runs. */
function copy(): string {
  const directory = join(temporaryDirectory(), "example");
  cpSync(example, directory, { recursive: true });
  return directory;
}

async function run(directory: string, arch: string, port?: number): Promise<Ended> {
  const env = {
    ...process.env,
    WICK: mainFile,
    WICK_CACHE: testCache,
    CACHE: join(testCache, "nginx-single-file"),
    OUT: join(directory, "out"),
    PORT: String(port ?? (await freePort())),
  };
  return new Promise((resolve) => {
    execFile(join(directory, "run.sh"), [arch], { env }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

test.each(["x86_64", "aarch64"])(
  "one file of the distribution's kernel and a static nginx answers on %s",
  async (arch) => {
    const directory = copy();
    const token = randomBytes(8).toString("hex");
    writeFileSync(join(directory, "index.html"), `<p>${token}</p>\n`);
    const { status, stdout, stderr } = await run(directory, arch);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain(`<p>${token}</p>`);
    const [, line] = /^(qemu-system-[^]*?)\n\n/mu.exec(stdout)!;
    expect(line).toContain(`qemu-system-${arch} `);
    expect(line).toMatch(/-kernel \S+\/nginx\.(vmlinux|image)/u);
    expect(line).not.toMatch(/-(initrd|drive|blockdev|hd[a-d]|append)\b/u);
  },
  400_000,
);

test("somebody else's answer is not taken for the machine's", async () => {
  const server = createServer((_, response) => response.end("somebody else"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const { status, stdout, stderr } = await run(copy(), "aarch64", port);
  await new Promise((resolve) => server.close(resolve));
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toBe(`run.sh: port ${port} is in use: PORT=8081, say\n`);
});

test("a machine whose application does not start ends the example, which shows why", async () => {
  const directory = copy();
  appendFileSync(join(directory, "nginx.conf"), "no_such_directive on;\n");
  const { status, stdout, stderr } = await run(directory, "aarch64");
  expect(status).toBe(1);
  expect(stderr).toContain('unknown directive "no_such_directive"');
  expect(stdout).not.toContain("answered");
}, 400_000);
