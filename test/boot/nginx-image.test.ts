import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { run, type RunningMachine, type RunOptions } from "../../src/index.ts";
import { startWick, wick } from "../support/cli.ts";
import { fetchPage } from "../support/fetch-page.ts";
import { ownCache } from "../support/own-cache.ts";
import { NGINX_PAGE, writeNginxImage } from "../support/nginx-image.ts";
import { dockerRegistry } from "../support/registry/docker-registry.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

/** The image as a layout, and its name in a registry that runs as long as these tests. */
let layout: string;
let reference: string;
let cache: string;

beforeAll(async () => {
  const directory = lastingDirectory();
  layout = join(directory, "layout");
  cache = ownCache(directory);
  writeNginxImage(layout, directory);
  const registry = await dockerRegistry({ directory }, true);
  reference = `localhost:${registry.port}/nginx:alpine-like`;
  const words = ["-q", "--dest-tls-verify=false", `oci:${layout}:alpine-like`];
  execFileSync("skopeo", ["copy", ...words, `docker://${reference}`], { stdio: "pipe" });
}, 240_000);

const sha256 = (path: string): string =>
  createHash("sha256").update(readFileSync(path)).digest("hex");

/** A machine of the library's, and all that its console has said. */
async function start(options: RunOptions) {
  const machine = await run(options, {
    environment: { ...process.env, WICK_CACHE: cache },
    workingDirectory: temporaryDirectory(),
    onEvent: () => undefined,
  });
  let said = "";
  const read = (async () => {
    for await (const chunk of machine.console()) said += Buffer.from(chunk).toString("latin1");
  })();
  return { machine, said: () => said.replaceAll("\r", ""), read };
}

function portOf({ ports }: RunningMachine): number {
  return ports.find(({ guestPort }) => guestPort === 80)!.hostPort;
}

test("wick run -p 0:80 of an image in a registry boots nginx, which serves and logs to stdout", async () => {
  const running = startWick(["run", "-p", "0:80", reference], { env: { WICK_CACHE: cache } });
  await running.shown("-> 80/tcp");
  const port = /127\.0\.0\.1:(\d+) -> 80\/tcp/.exec(running.text())![1]!;
  expect(await fetchPage(`http://127.0.0.1:${port}/`)).toBe(NGINX_PAGE);
  running.child.kill("SIGINT");
  const { status, stdout } = await running.done;
  expect(status).toBe(130);
  expect(stdout).toContain("/docker-entrypoint.sh: running /docker-entrypoint.d/10-say.sh");
  expect(stdout).toContain("said by a script, of Debian");
  expect(stdout).toMatch(/"GET \/ HTTP\/1\.1" 200/u);
});

test("the official image's traits: SIGQUIT stops it with 0, errors on stderr, workers not root", async () => {
  const { machine, said, read } = await start({ source: reference, publish: ["0:80"] });
  await using _ = machine;
  await machine.ready;
  const page = await fetch(`http://127.0.0.1:${portOf(machine)}/none`);
  expect(page.status).toBe(404);
  await page.arrayBuffer();
  await machine.stop();
  expect(await machine.exited).toMatchObject({ status: 0, report: { kind: "exited", status: 0 } });
  await read;
  expect(said()).toMatch(/open\(\) "\/usr\/share\/nginx\/html\/none" failed/u);
  expect(said()).toMatch(/signal 3 \(SIGQUIT\) received/u);
  expect(said()).toMatch(/gracefully shutting down/u);
});

test("S9: the stored image, read-only, is the same to the byte after a machine wrote to its disk", async () => {
  const line = [
    "nginx; sleep 1",
    'for p in /proc/[0-9]*; do case "$(cat $p/comm)" in nginx) echo "nginx of $(stat -c %u $p)";; esac; done',
    "rm -rf /usr/share/nginx /var/data; dd if=/dev/zero of=/usr/new bs=1M count=20 2>&1; echo changed > /etc/passwd; sync; echo written",
  ].join("; ");
  const { machine, said, read } = await start({ source: reference, command: ["sh", "-c", line] });
  await using _ = machine;
  const image = machine.spec.drives[0]!.path;
  const before = sha256(image);
  expect(image.startsWith(cache)).toBe(true);
  expect(statSync(image).mode & 0o777).toBe(0o444);
  expect(machine.spec.drives[0]!.readOnly).toBe(true);
  await machine.exited;
  await read;
  expect(said()).toContain("written");
  // The master is root, its two workers are the image's own user.
  expect(
    said()
      .match(/nginx of \d+/gu)
      ?.toSorted(),
  ).toEqual(["nginx of 0", "nginx of 101", "nginx of 101"]);
  expect(sha256(image)).toBe(before);
});

test("A14: an image's labels are shown and never acted on; its volumes are directories", async () => {
  const output = join(temporaryDirectory(), "nginx.ext4");
  const built = await wick(["build", "-q", `oci:${layout}:alpine-like`, "-o", output], {
    env: { WICK_CACHE: cache },
  });
  expect(built.status, built.stderr).toBe(0);
  const { config } = JSON.parse((await wick(["cat", output, "/.wick/config.json"])).stdout) as {
    config: { Labels: Record<string, string> };
  };
  expect(config.Labels).toMatchObject({ "dev.wick.run": "touch /tmp/wick-was-here" });
  expect((await wick(["ls", output, "/var"])).stdout).toMatch(/drwxr-xr-x .* data/u);
  const doc = await wick(["ls", output, "/usr/share/doc"]);
  expect([doc.status, doc.stdout.trim()]).toEqual([0, ""]);
});
