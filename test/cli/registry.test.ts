import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AT_ONCE_MS } from "../support/at-once.ts";
import { mainFile, startWick, wick } from "../support/cli.ts";
import { hostileRegistry, isBlob, send } from "../support/registry/hostile.ts";
import { type MemoryImage, memoryImage } from "../support/registry/image.ts";
import type { Listener } from "../support/registry/listener.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

function environment(directory: string): NodeJS.ProcessEnv {
  return {
    HOME: directory,
    WICK_CACHE: join(directory, "cache"),
    XDG_CONFIG_HOME: undefined,
    DOCKER_CONFIG: undefined,
    XDG_RUNTIME_DIR: undefined,
  };
}

const image = memoryImage({ layerBytes: [300_000] });

/** A registry that gives a part of the layer and then nothing more. */
function halting(of: MemoryImage): Promise<Listener> {
  return hostileRegistry(of, {
    instead(request, response) {
      if (!isBlob(request, of.layers[0]!)) return false;
      response.writeHead(200, { "content-length": of.layers[0]!.bytes.length });
      response.write(of.layers[0]!.bytes.subarray(0, 100_000));
      return true;
    },
  });
}

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  test(`R13 ${signal} in mid-download ends wick at once, and what arrived is kept`, async () => {
    const directory = temporaryDirectory();
    const registry = await halting(image);
    const options = { env: environment(directory) };
    const pulling = startWick(["pull", `${registry.host}/app`], options);
    const isAsked = (): boolean => registry.seen.some((seen) => isBlob(seen, image.layers[0]!));
    await expect.poll(isAsked, { timeout: 20_000 }).toBe(true);
    const part = (): number | undefined => {
      const names = readdirSync(join(directory, "cache/tmp")).filter((name) =>
        name.endsWith(".part"),
      );
      return names.length === 0
        ? undefined
        : readFileSync(join(directory, "cache/tmp", names[0]!)).length;
    };
    await expect.poll(part, { timeout: AT_ONCE_MS }).toBe(100_000);
    const start = performance.now();
    pulling.child.kill(signal);
    const result = await pulling.done;
    expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
    expect(result.status).toBe(code);
    expect(part()).toBe(100_000);
    const healthy = await hostileRegistry(image, { instead: () => false });
    await registry.close();
    // The same registry under another port is another registry; its blob is the same.
    const again = await wick(["pull", `${healthy.host}/app`], options);
    expect(again.status).toBe(0);
    expect(healthy.seen.at(-1)!.headers.range).toBe("bytes=100000-");
  });
}

test("R13 an interruption ends wick at once while a host's name is looked up", async () => {
  const directory = temporaryDirectory();
  const shim = join(directory, "slow.so");
  const source = join(directory, "slow.c");
  writeFileSync(source, "#include <unistd.h>\nint getaddrinfo(void) { sleep(20); return -3; }\n");
  execFileSync("cc", ["-shared", "-fPIC", "-o", shim, source]);
  const env = { ...environment(directory), LD_PRELOAD: shim, HTTPS_PROXY: "", https_proxy: "" };
  const pulling = startWick(["pull", "registry.test/app"], { env });
  await pulling.shown("Pull registry.test/app");
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const start = performance.now();
  pulling.child.kill("SIGINT");
  const result = await pulling.done;
  expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
  // Of the signal, as a shell has it 130.
  expect(result.signal).toBe("SIGINT");
  expect(result.stderr).toContain("[INTERRUPTED]");
});

test("a mirror is asked first, and passed over with a note where it fails", async () => {
  const directory = temporaryDirectory();
  const registry = await hostileRegistry(image);
  const mirror = await halting(image);
  const gone = await hostileRegistry(image);
  await gone.close();
  mkdirSync(join(directory, ".config/wick"), { recursive: true });
  writeFileSync(
    join(directory, ".config/wick/registries.yaml"),
    `registries:\n  "${registry.host}":\n    mirrors: ["${gone.host}", "${mirror.host}"]\n`,
  );
  const env = environment(directory);
  const pulling = startWick(["pull", `${registry.host}/app`], { env });
  await pulling.shown(`mirror ${gone.host} passed over`);
  const isAsked = (): boolean => mirror.seen.some((seen) => isBlob(seen, image.layers[0]!));
  await expect.poll(isAsked, { timeout: 20_000 }).toBe(true);
  await expect
    .poll(
      () =>
        readdirSync(join(directory, "cache/tmp")).filter((name) => name.endsWith(".part")).length,
      {
        timeout: AT_ONCE_MS,
      },
    )
    .toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await mirror.close();
  const result = await pulling.done;
  expect(result.status).toBe(0);
  expect(result.stderr).toContain(`mirror ${mirror.host} passed over`);
  expect(result.stdout).toContain(`${registry.host}/app`);
  // What the mirror gave was gone on with: its bytes are as good as anybody's.
  expect(registry.seen.map(({ headers }) => headers.range)).toEqual(["bytes=100000-"]);
});

test("--json and --progress rawjson print one object each, with bytes", async () => {
  const directory = temporaryDirectory();
  const big = memoryImage({ layerBytes: [2_000_000] });
  const registry = await hostileRegistry(big, {
    async instead(request, response) {
      if (!isBlob(request, big.layers[0]!)) return false;
      await new Promise((resolve) => setTimeout(resolve, 100));
      send(response, big.layers[0]!, request);
      return true;
    },
  });
  const args = ["pull", "--json", "--progress", "rawjson", `${registry.host}/app`];
  const result = await wick(args, { env: environment(directory) });
  expect(JSON.parse(result.stdout)).toMatchObject({
    reference: `${registry.host}/app:latest`,
    digest: big.manifest.digest,
    manifestDigest: big.manifest.digest,
    layers: 1,
    downloadedBytes: big.layers[0]!.bytes.length,
    isNewer: true,
  });
  const events = result.stderr
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string; step: string; bytes?: number });
  const done = events.find(({ type, step }) => type === "done" && step.startsWith("download"));
  expect(done!.bytes).toBe(big.layers[0]!.bytes.length);
});

test("P9 a password on the command line is refused, without being repeated", async () => {
  for (const words of [["-p", "hunter2"], ["--password=hunter2"], ["-phunter2"]]) {
    const result = await wick(["login", "localhost:1", "-u", "me", ...words]);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain("--password-stdin");
    expect(result.stderr + result.stdout).not.toContain("hunter2");
  }
});

test("without a terminal nobody is asked: an error says how to give the password", async () => {
  const result = await wick(["login", "localhost:1", "-u", "me"]);
  expect(result.status).toBe(1);
  expect(result.stderr).toContain("there is no terminal");
  expect(result.stderr).toContain("--password-stdin");
  const empty = await wick(["login", "localhost:1", "-u", "me", "--password-stdin"]);
  expect(empty.stderr).toContain("the standard input holds no password");
  const nowhere = await wick(["login", "-u", "me", "--password-stdin", "ht!tp:/x"], {
    stdin: Buffer.from("x"),
  });
  expect(nowhere.stderr).toContain("wanted HOST");
});

test("on a terminal the user and password are asked for, and the password is not shown", async () => {
  const directory = temporaryDirectory();
  const expected = `Basic ${Buffer.from("me:s3cr et").toString("base64")}`;
  const registry = await hostileRegistry(image, {
    instead({ headers }, response) {
      if (headers.authorization === expected) return false;
      response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
      return true;
    },
  });
  const command = `"${process.execPath}" "${mainFile}" login ${registry.host}`;
  const terminal = spawn("script", ["-qec", command, "/dev/null"], {
    env: { ...process.env, ...environment(directory), NO_COLOR: "1" },
  });
  const closed = new Promise((resolve) => terminal.once("close", resolve));
  let screen = "";
  terminal.stdout.on("data", (chunk: Buffer) => (screen += chunk.toString()));
  const shown = (text: string): Promise<void> =>
    expect.poll(() => screen, { timeout: 20_000 }).toContain(text);
  await shown("Username: ");
  terminal.stdin.write("me\r");
  await shown("Password: ");
  // A password that comes before the echo is off would be shown by the terminal itself.
  await new Promise((resolve) => setTimeout(resolve, 300));
  terminal.stdin.write("s3cr et\r");
  await shown("Login Succeeded");
  terminal.stdin.end();
  await closed;
  expect(screen).not.toContain("s3cr");
  const config = readFileSync(join(directory, ".docker/config.json"), "utf8");
  expect(config).toContain(expected.slice("Basic ".length));
});
