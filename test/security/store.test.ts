/** The store under damage, full disks, several commands at once and names that archives claim. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { ImageRow, Verification } from "../../src/index.ts";
import { openStore } from "../../src/store/index.ts";
import { jsonOf, startWick, wick, type CliResult } from "../support/cli.ts";
import { writeLayout } from "../support/oci-layout.ts";
import { dockerRegistry, push, type DockerRegistry } from "../support/registry/docker-registry.ts";
import { noise } from "../support/registry/image.ts";
import { listen } from "../support/registry/listener.ts";
import { archive, file } from "../support/tar-builder.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

let registry: DockerRegistry;
let name: string;
const LAYERS = [2_000_000, 1_000_000, 500_000];

beforeAll(async () => {
  const directory = lastingDirectory();
  registry = await dockerRegistry({ directory }, true);
  await push(registry, "app:1", { directory, layerBytes: LAYERS });
  name = `${registry.host}/app:1`;
});

const sha256 = (path: string): string =>
  createHash("sha256").update(readFileSync(path)).digest("hex");

/** A command with a store of its own. */
function withCache(cache: string) {
  return (...words: string[]): Promise<CliResult> => wick(words, { env: { WICK_CACHE: cache } });
}

/** Builds the registry's image; its status is not asked for. */
const building = (output: string, ...words: string[]): string[] => {
  return ["build", "-q", "--init", "none", ...words, name, "-o", output];
};

async function ok(result: Promise<CliResult>): Promise<CliResult> {
  const done = await result;
  expect(done.status, done.stderr).toBe(0);
  return done;
}

const blobs = (cache: string): string[] => readdirSync(join(cache, "blobs/sha256")).sort();

/** Everything in a cache but locks, by path, with its size. */
function contents(cache: string): Record<string, number> {
  const names = readdirSync(cache, { recursive: true, encoding: "utf8" });
  const files = names.filter((path) => statSync(join(cache, path)).isFile());
  return Object.fromEntries(files.sort().map((path) => [path, statSync(join(cache, path)).size]));
}

const layerOf = (cache: string, bytes: number): string =>
  blobs(cache)
    .map((hex) => join(cache, "blobs/sha256", hex))
    .find((path) => Math.abs(statSync(path).size - bytes) < 5000)!;

function flipBit(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 4;
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
}

test("other options build from the store alone, the same ones write nothing, a copy keeps its holes", async () => {
  const directory = temporaryDirectory();
  const cache = join(directory, "cache");
  const run = withCache(cache);
  const [a, b] = [join(directory, "a.ext4"), join(directory, "b.ext4")];
  await ok(run(...building(a)));
  const { ino, mtimeNs } = statSync(a, { bigint: true });
  const asked = registry.log().length;
  const made = async (...words: string[]): Promise<string> =>
    jsonOf<{ made: string }>(await ok(run(...words, "--json"))).made;
  expect(await made(...building(a))).toBe("unchanged");
  expect(statSync(a, { bigint: true })).toMatchObject({ ino, mtimeNs });
  expect(await made(...building(b))).toBe("copied");
  expect(sha256(b)).toBe(sha256(a));
  expect(statSync(b).blocks).toBeLessThan(1.2 * statSync(a).blocks);
  expect(await made(...building(b, "--label", "other"))).toBe("new");
  expect(sha256(b)).not.toBe(sha256(a));
  expect(await made(...building(a))).toBe("unchanged");
  writeFileSync(a, "somebody's");
  expect(await made(...building(a))).toBe("new");
  expect(registry.log().length).toBe(asked);
  expect(readdirSync(join(cache, "tmp"))).toEqual([]);
});

test("S3 a flipped bit in a layer is noticed when it is used, and the layer is fetched again", async () => {
  const directory = temporaryDirectory();
  const cache = join(directory, "cache");
  const run = withCache(cache);
  const output = join(directory, "x.ext4");
  await ok(run(...building(output)));
  const wanted = sha256(output);
  const before = blobs(cache);
  for (const bytes of LAYERS) {
    const path = layerOf(cache, bytes);
    flipBit(path);
    rmSync(output);
    rmSync(join(cache, "images"), { recursive: true });
    const result = await ok(run(...building(output).filter((word) => word !== "-q")));
    expect(result.stderr).toContain("it is set aside and fetched again");
    expect(sha256(output)).toBe(wanted);
    expect(blobs(cache)).toEqual(before);
    expect(readdirSync(join(cache, "damaged"))).toContain(path.slice(-64));
  }
  expect((await run("store", "verify")).status).toBe(0);
});

test("S3 a damaged layer that cannot be had again is one error that names it, and no image", async () => {
  const directory = temporaryDirectory();
  const cache = join(directory, "cache");
  const own = await dockerRegistry({ directory });
  await push(own, "app:1", { directory, layerBytes: LAYERS });
  const run = withCache(cache);
  const output = join(directory, "x.ext4");
  await ok(run("pull", `${own.host}/app:1`));
  await own.stop();
  flipBit(layerOf(cache, LAYERS[1]!));
  for (const policy of ["missing", "never"]) {
    const words = ["build", "--json", "--pull", policy, "--init", "none", "-o", output];
    const result = await run(...words, `${own.host}/app:1`);
    expect(result.status).toBe(1);
    const { error } = JSON.parse(result.stderr.trim().split("\n").at(-1)!);
    if (policy === "missing") expect(error.code).toBe("STORE_DAMAGED");
    expect(error.message).toContain("layer 2 of");
    expect(existsSync(output)).toBe(false);
  }
});

test("S3 store verify names what is damaged and ends with 1, and a pull heals it", async () => {
  const directory = temporaryDirectory();
  const cache = join(directory, "cache");
  const run = withCache(cache);
  await ok(run("pull", name));
  const clean = jsonOf<Verification>(await ok(run("store", "verify", "--json")));
  expect(clean).toMatchObject({ blobs: { checked: 5 }, names: { checked: 1 }, damage: [] });
  const path = layerOf(cache, LAYERS[0]!);
  flipBit(path);
  const found = await run("store", "verify", "--json");
  expect(found.status).toBe(1);
  expect(jsonOf<Verification>(found).damage).toMatchObject([
    { kind: "blob", what: `sha256:${path.slice(-64)}` },
  ]);
  rmSync(path);
  const missing = await run("store", "verify");
  expect(missing.status).toBe(1);
  expect(missing.stdout).toContain(`the store lacks sha256:${path.slice(-64)}`);
  await ok(run("pull", name));
  await ok(run("store", "verify"));
});

test("S6 two pulls and two builds of one image at once fetch each blob once", async () => {
  const directory = temporaryDirectory();
  const own = await dockerRegistry({ directory });
  await push(own, "app:1", { directory, layerBytes: LAYERS });
  const run = withCache(join(directory, "cache"));
  const image = `${own.host}/app:1`;
  const outputs = ["a", "b"].map((letter) => join(directory, `${letter}.ext4`));
  await Promise.all([
    ok(run("pull", image)),
    ok(run("pull", image)),
    ...outputs.map((output) => ok(run("build", "-q", "--init", "none", image, "-o", output))),
  ]);
  expect(sha256(outputs[0]!)).toBe(sha256(outputs[1]!));
  for (const hex of blobs(join(directory, "cache"))) {
    const layers = own
      .log()
      .split("\n")
      .filter((line) => line.includes(`/blobs/sha256:${hex}`));
    const gets = layers.filter((line) => line.includes("GET") && line.includes("completed"));
    expect(gets.length, hex).toBeLessThanOrEqual(1);
  }
  await ok(run("store", "verify"));
});

test("S6 prune and rmi wait for who uses the store, and remove nothing in use", async () => {
  const directory = temporaryDirectory();
  const cache = join(directory, "cache");
  await ok(withCache(cache)("pull", name));
  const before = contents(cache);
  for (const words of [
    ["prune", "-a", "-f"],
    ["rmi", name],
  ]) {
    const use = await openStore({ directory: cache }).use();
    const waiting = startWick(words, { env: { WICK_CACHE: cache } });
    await waiting.shown("waiting for them");
    expect(contents(cache)).toEqual(before);
    use[Symbol.dispose]();
    const result = await waiting.done;
    expect(result.status, result.stderr).toBe(0);
    expect(result.stdout).toContain(`Untagged: ${name}`);
    expect(blobs(cache)).toEqual([]);
    await ok(withCache(cache)("pull", name));
  }
});

test("prune keeps what a name needs; rmi keeps what another name needs", async () => {
  const directory = temporaryDirectory();
  const cache = join(directory, "cache");
  const run = withCache(cache);
  const own = await dockerRegistry({ directory });
  await push(own, "app:1", { directory, layerBytes: LAYERS });
  await push(own, "app:2", { directory });
  await ok(run("pull", `${own.host}/app:1`));
  await ok(run("pull", `${own.host}/app:2`));
  const both = blobs(cache);
  const store = openStore({ directory: cache });
  const stray = await store.blobs.put(Buffer.from("nobody's"));
  const young = await ok(run("prune", "-f", "--filter", "until=1h"));
  expect(young.stdout).toBe("Total reclaimed space: 0 B\n");
  const pruned = await ok(run("prune", "-f"));
  expect(pruned.stdout).toBe(`Deleted: ${stray.digest}\nTotal reclaimed space: 8 B\n`);
  await ok(run("rmi", `${own.host}/app:1`));
  expect(blobs(cache)).toEqual(both);
  const rows = (await ok(run("images", "--json"))).stdout.trim().split("\n");
  expect(rows.map((row) => (JSON.parse(row) as ImageRow).reference)).toEqual([`${own.host}/app:2`]);
  const short = (await ok(run("images", "-q"))).stdout.trim();
  await ok(run("rmi", short));
  expect(blobs(cache)).toEqual([]);
});

test("rmi and prune say what they cannot do", async () => {
  const run = withCache(join(temporaryDirectory(), "cache"));
  const missing = await run("rmi", "no/such", "nothing:1");
  expect(missing.status).toBe(1);
  expect(missing.stderr.match(/has no such image/g)).toHaveLength(2);
  expect((await run("rmi", "-f", "no/such")).status).toBe(0);
  expect((await run("prune")).stderr).toContain("wanted -f");
  expect((await run("prune", "-f", "--filter", "since=1h")).status).toBe(1);
  expect((await run("prune", "-f", "--filter", "until=soon")).stderr).toContain(
    "wanted a duration",
  );
});

test("S11 an archive that claims a registry's name does not rebind it", async () => {
  const directory = temporaryDirectory();
  const cache = join(directory, "cache");
  const run = withCache(cache);
  await ok(run("pull", name));
  const names = contents(join(cache, "names"));
  const layout = join(directory, "evil");
  writeLayout(layout, [{ name, layers: [archive(file("evil", noise(1000)))] }]);
  const tar = join(directory, "evil.tar");
  execFileSync("skopeo", ["copy", "-q", `oci:${layout}:${name}`, `docker-archive:${tar}:${name}`]);
  for (const source of [`docker-archive:${tar}`, `oci:${layout}`]) {
    const output = join(directory, "evil.ext4");
    await ok(run("build", "-q", "--init", "none", source, "-o", output));
    expect(contents(join(cache, "names"))).toEqual(names);
  }
  const again = join(directory, "again.ext4");
  await ok(run(...building(again)));
  const listed = await ok(run("ls", again, "/"));
  expect(listed.stdout).not.toContain("evil");
});

test("S7 where flock is missing, an image is one error that names the package; a folder builds", async () => {
  const directory = temporaryDirectory();
  const empty = join(directory, "empty");
  writeFileSync(empty, "", { mode: 0o600 });
  const hide = `mount --bind ${empty} $(readlink -f /usr/bin/flock) && exec "$@"`;
  const prefix = ["unshare", "-rm", "sh", "-c", hide, "sh"];
  const env = { WICK_CACHE: join(directory, "cache") };
  const pulled = await wick(["pull", name], { prefix, env });
  expect(pulled.status).toBe(1);
  expect(pulled.stderr).toContain("the program flock is not installed");
  expect(pulled.stderr).toContain("util-linux");
  mkdirSync(join(directory, "tree"));
  const output = join(directory, "x.ext4");
  const words = ["build", "--init", "none", `dir:${join(directory, "tree")}`, "-o", output];
  const built = await wick(words, { prefix, env });
  expect(built.status, built.stderr).toBe(0);
  expect(built.stderr).toContain("nothing is kept for the next time");
});

test("S8 a cache that is read-only or no directory is one error; another device is only slower", async () => {
  const directory = temporaryDirectory();
  const words = building(join(directory, "x.ext4"));
  const readOnly = `mount -t tmpfs -o ro none ${directory} && exec "$@"`;
  const prefix = ["unshare", "-rm", "sh", "-c", readOnly, "sh"];
  const refused = await wick(["pull", name], {
    prefix,
    env: { WICK_CACHE: join(directory, "cache") },
  });
  expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining("[PERMISSION]")]);
  writeFileSync(join(directory, "file"), "");
  const wrong = await wick(words, { env: { WICK_CACHE: join(directory, "file") } });
  expect(wrong.status).toBe(1);
  expect(wrong.stderr.match(/^error:/gm)).toHaveLength(1);
  const other = `mount -t tmpfs -o noexec none ${directory} && mkdir ${directory}/c && exec "$@"`;
  const cache = join(directory, "c");
  const output = join(temporaryDirectory(), "x.ext4");
  const built = await wick(building(output), {
    prefix: ["unshare", "-rm", "sh", "-c", other, "sh"],
    env: { WICK_CACHE: cache },
  });
  expect(built.status, built.stderr).toBe(0);
  expect(existsSync(output)).toBe(true);
});

test("S5 a cache that fills is one error with what is needed and free, and is as empty as before", async () => {
  const directory = temporaryDirectory();
  const cache = join(directory, "cache");
  mkdirSync(cache);
  // Room for the first layers, and not for all.
  const script = `mount -t tmpfs -o size=3200k none ${cache}
    "$@"; status=$?
    du -sk ${cache} | cut -f1; find ${cache} -type f -size +0
    exit $status`;
  const result = await wick(["pull", "-q", name], {
    prefix: ["unshare", "-rm", "sh", "-c", script, "sh"],
    env: { WICK_CACHE: cache },
  });
  expect(result.status).toBe(1);
  expect(result.stderr.match(/^error:/gm)).toHaveLength(1);
  expect(result.stderr).toMatch(/\d+ bytes are needed.*\d+ are free.*\[DISK_FULL\]/);
  expect(result.stdout).toBe("0\n");
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)(
  "S13 %s, and twice, in the middle of a download ends with %i and leaves no temporary",
  async (signal, status) => {
    const directory = temporaryDirectory();
    const { response, host } = await stuckRegistry();
    for (const times of [1, 2]) {
      const cache = join(directory, `cache${times}`);
      const words = ["build", "--init", "none", `${host}/app:1`, "-o", join(directory, "x.ext4")];
      const running = startWick(words, { env: { WICK_CACHE: cache } });
      await Promise.race([response(), running.done]);
      for (let i = 0; i < times; i++) running.child.kill(signal);
      const result = await running.done;
      expect(result.status, result.stderr).toBe(status);
      expect(readdirSync(directory).filter((entry) => !entry.startsWith("cache"))).toEqual([]);
      const left = readdirSync(join(cache, "tmp")).filter((entry) => !entry.endsWith(".part"));
      expect(left).toEqual([]);
    }
  },
);

/** A registry whose layer comes only in half; `response` resolves when a client has that much. */
async function stuckRegistry() {
  const directory = temporaryDirectory();
  const layout = join(directory, "layout");
  writeLayout(layout, [{ name: "image", layers: [archive(file("file", noise(200_000)))] }]);
  const index = JSON.parse(readFileSync(join(layout, "index.json"), "utf8"));
  const manifest = index.manifests[0].digest.slice("sha256:".length);
  const blob = (hex: string): Buffer => readFileSync(join(layout, "blobs/sha256", hex));
  let half = (): void => undefined;
  const server = await listen(({ url }, response) => {
    const hex = /sha256:([0-9a-f]{64})$/.exec(url)?.[1];
    if (url === "/v2/") return void response.writeHead(200).end();
    if (url.includes("/manifests/")) {
      const type = "application/vnd.oci.image.manifest.v1+json";
      return void response.writeHead(200, { "content-type": type }).end(blob(manifest));
    }
    const bytes = blob(hex!);
    response.writeHead(200, { "content-length": bytes.length });
    if (bytes.length < 200_000) return void response.end(bytes);
    response.write(bytes.subarray(0, 100_000), () => setTimeout(half, 100));
  });
  const response = (): Promise<void> =>
    new Promise((resolve) => {
      half = resolve;
    });
  return { host: server.host, response };
}
