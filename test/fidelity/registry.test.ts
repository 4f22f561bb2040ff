import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { PullResult } from "../../src/index.ts";
import { jsonOf, type CliResult, wick } from "../support/cli.ts";
import { type Certificate, makeCertificate } from "../support/registry/certificate.ts";
import {
  digestBySkopeo,
  type DockerRegistry,
  dockerRegistry,
  PASSWORD,
  push,
  runSkopeo,
  skopeo,
  tokenServer,
  USER,
} from "../support/registry/docker-registry.ts";
import { digestOf } from "../support/registry/image.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

let certificate: Certificate;
let open: DockerRegistry;
let openDirectory: string;

beforeAll(async () => {
  certificate = makeCertificate(lastingDirectory());
  openDirectory = lastingDirectory();
  open = await dockerRegistry({ directory: openDirectory }, true);
  await push(open, "some/app:1", { directory: openDirectory });
});

/** Runs wick with a home and a cache of its own. */
function wickIn(
  directory: string,
  args: readonly string[],
  options: { readonly stdin?: string; readonly env?: Record<string, string> } = {},
): Promise<CliResult> {
  const env = {
    HOME: directory,
    WICK_CACHE: join(directory, "cache"),
    XDG_CONFIG_HOME: undefined,
    XDG_RUNTIME_DIR: undefined,
    DOCKER_CONFIG: undefined,
    ...options.env,
  };
  const stdin = options.stdin === undefined ? {} : { stdin: Buffer.from(options.stdin) };
  return wick(args, { env, ...stdin });
}

function login(directory: string, host: string, words: readonly string[] = []): Promise<CliResult> {
  const args = ["login", host, "-u", USER, "--password-stdin", ...words];
  return wickIn(directory, args, { stdin: `${PASSWORD}\n` });
}

function ok(result: CliResult): CliResult {
  expect(result.stderr + result.stdout).not.toContain("error:");
  expect(result.status).toBe(0);
  return result;
}

test("pull prints the digest that skopeo computes, and the store's blobs are the registry's", async () => {
  const directory = temporaryDirectory();
  const reference = `${open.host}/some/app:1`;
  const result = ok(await wickIn(directory, ["pull", reference]));
  const digest = await digestBySkopeo(reference);
  expect(result.stdout).toBe(
    `Digest: ${digest}\nStatus: Downloaded newer image for ${reference}\n${reference}\n`,
  );
  const manifest = readBlob(directory, digest);
  for (const layer of JSON.parse(manifest.toString()).layers as { digest: string }[]) {
    expect(digestOf(readBlob(directory, layer.digest))).toBe(layer.digest);
  }
  const again = ok(await wickIn(directory, ["pull", reference]));
  expect(again.stdout).toContain("Status: Image is up to date");
  expect(ok(await wickIn(directory, ["pull", "-q", reference])).stdout).toBe(`${reference}\n`);
});

test("the oracle for digests is one: skopeo refuses an image whose blob was changed", async () => {
  const directory = temporaryDirectory();
  const registry = await dockerRegistry({ directory });
  await push(registry, "app", { directory });
  const wickDirectory = temporaryDirectory();
  const first = ok(await wickIn(wickDirectory, ["pull", "--json", `${registry.host}/app`]));
  const manifest = JSON.parse(
    readBlob(wickDirectory, jsonOf<PullResult>(first).manifestDigest).toString(),
  ) as { layers: { digest: string }[] };
  const hex = manifest.layers[0]!.digest.slice("sha256:".length);
  const data = join(
    directory,
    "registry/docker/registry/v2/blobs/sha256",
    hex.slice(0, 2),
    hex,
    "data",
  );
  const bytes = readFileSync(data);
  bytes[100]! ^= 1;
  writeFileSync(data, bytes);
  await expect(
    skopeo(`docker://${registry.host}/app`, `oci:${directory}/copy`, ["--src-tls-verify=false"]),
  ).rejects.toThrow();
  const other = await wickIn(temporaryDirectory(), ["pull", `${registry.host}/app`]);
  expect(other.stderr).toContain("[DIGEST_MISMATCH]");
  expect(other.status).toBe(1);
});

function readBlob(directory: string, digest: string): Buffer {
  return readFileSync(join(directory, "cache/blobs/sha256", digest.slice("sha256:".length)));
}

test("Docker's schema 2 is pulled like OCI's", async () => {
  const directory = temporaryDirectory();
  await push(open, "schema2:1", { directory, words: ["--format", "v2s2"] });
  const result = ok(await wickIn(directory, ["pull", "--json", `${open.host}/schema2:1`]));
  const manifest = readBlob(directory, jsonOf<PullResult>(result).digest).toString();
  expect(manifest).toContain("application/vnd.docker.distribution.manifest.v2+json");
});

test("an image of several platforms: --platform decides, and another one is named", async () => {
  const directory = temporaryDirectory();
  const index = await pushIndex(open, "multi:1", ["amd64", "s390x"]);
  const reference = `${open.host}/multi:1`;
  const words = ["pull", "--json", reference, "--platform"];
  const found = jsonOf<PullResult>(ok(await wickIn(directory, [...words, "linux/amd64"])));
  expect(found.digest).toBe(index.digest);
  expect(found.manifestDigest).toBe(index.manifests[0]);
  const missing = await wickIn(directory, [...words, "linux/arm64"]);
  expect(missing.stderr).toContain("linux/amd64, linux/s390x");
  expect(missing.status).toBe(1);
});

/** An index of the same layers under several platforms' names, put by HTTP. */
async function pushIndex(
  registry: DockerRegistry,
  name: string,
  architectures: readonly string[],
): Promise<{ digest: string; manifests: readonly string[] }> {
  const [repository, tag] = name.split(":");
  await push(registry, `${repository}:base`, { directory: openDirectory });
  const url = `http://${registry.host}/v2/${repository}/manifests`;
  const type = "application/vnd.oci.image.manifest.v1+json";
  const response = await fetch(`${url}/base`, { headers: { accept: type } });
  const base = Buffer.from(await response.arrayBuffer());
  const put = async (path: string, mediaType: string, bytes: Buffer): Promise<void> => {
    const headers = { "content-type": mediaType };
    const { status } = await fetch(`${url}/${path}`, { method: "PUT", headers, body: bytes });
    expect(status).toBe(201);
  };
  const manifests = [];
  for (const architecture of architectures) {
    const bytes: Buffer = Buffer.from(base.toString() + " ".repeat(manifests.length));
    await put(digestOf(bytes), type, bytes);
    manifests.push({
      mediaType: type,
      digest: digestOf(bytes),
      size: bytes.length,
      platform: { os: "linux", architecture },
    });
  }
  const indexType = "application/vnd.oci.image.index.v1+json";
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests }));
  await put(tag!, indexType, index);
  return { digest: digestOf(index), manifests: manifests.map(({ digest }) => digest) };
}

test("what was pulled is built from with the registry stopped, --pull never and missing alike", async () => {
  const directory = temporaryDirectory();
  const registry = await dockerRegistry({ directory });
  await push(registry, "app", { directory });
  const reference = `${registry.host}/app`;
  const build = ["build", reference, "--entrypoint", "/file0", "-o", join(directory, "a.ext4")];
  const unseen = await wickIn(directory, [...build, "--pull", "never"]);
  expect(unseen.stderr).toContain("[SOURCE_NOT_FOUND]");
  expect(unseen.stderr).toContain(`wick pull ${reference}`);
  ok(await wickIn(directory, ["pull", reference]));
  const requests = registry.requests("");
  ok(await wickIn(directory, build));
  expect(registry.requests("")).toBe(requests);
  await registry.stop();
  ok(await wickIn(directory, [...build, "--pull", "never"]));
  ok(await wickIn(directory, build));
  const always = await wickIn(directory, [...build, "--pull", "always"]);
  expect(always.stderr).toContain(
    `Cannot pull ${reference}:latest: cannot reach ${registry.host}: connection refused`,
  );
  expect(always.stderr).toContain("hint: does a registry run there?");
});

test("--pull missing keeps to what a tag stood for, always asks what it stands for now", async () => {
  const directory = temporaryDirectory();
  const first = temporaryDirectory();
  const second = temporaryDirectory();
  await push(open, "moving:1", { directory: first, layerBytes: [10] });
  const reference = `${open.host}/moving:1`;
  const digest = async (): Promise<string> =>
    jsonOf<PullResult>(ok(await wickIn(directory, ["pull", "--json", reference]))).digest;
  const build = async (...words: string[]): Promise<string> => {
    const image = join(directory, "m.ext4");
    ok(await wickIn(directory, ["build", reference, "--entrypoint", "/x", "-o", image, ...words]));
    return ok(await wickIn(directory, ["ls", image, "/"])).stdout;
  };
  const before = await digest();
  await push(open, "moving:1", { directory: second, layerBytes: [10, 20] });
  expect(await build()).not.toContain("file1");
  expect(await build("--pull", "always")).toContain("file1");
  expect(await build()).toContain("file1");
  expect(await digest()).not.toBe(before);
});

test("two pulls at once fetch each blob once", async () => {
  const directory = temporaryDirectory();
  const registry = await dockerRegistry({ directory });
  await push(registry, "app", { directory, layerBytes: [3_000_000, 4_000_000] });
  const pull = (): Promise<CliResult> => wickIn(directory, ["pull", `${registry.host}/app`]);
  const before = registry.requests("/blobs/sha256");
  const both = await Promise.all([pull(), pull()]);
  both.forEach(ok);
  // A config and two layers.
  expect(registry.requests("/blobs/sha256") - before).toBe(3);
});

test("TLS with a private authority: refused without it, taken by each way to name it", async () => {
  const directory = temporaryDirectory();
  const registry = await dockerRegistry({ directory, tls: certificate });
  await push(registry, "app", { directory });
  const pull = ["pull", `${registry.host}/app`];
  const refused = await wickIn(directory, pull);
  expect(refused.stderr).toContain("its certificate is not trusted");
  expect(refused.stderr).toContain("certs.d");
  ok(await wickIn(temporaryDirectory(), pull, { env: { SSL_CERT_FILE: certificate.authority } }));
  ok(await wickIn(temporaryDirectory(), [...pull, "--insecure", registry.host]));
  const own = temporaryDirectory();
  const file = join(own, ".config/containers/certs.d", registry.host, "ca.crt");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, readFileSync(certificate.authority));
  ok(await wickIn(own, pull));
});

test("--insecure for one host says nothing of another", async () => {
  const directory = temporaryDirectory();
  const registry = await dockerRegistry({ directory, tls: certificate });
  await push(registry, "app", { directory });
  const pull = ["pull", `${registry.host}/app`, "--insecure", "127.0.0.1:1"];
  expect((await wickIn(directory, pull)).stderr).toContain("its certificate is not trusted");
});

test("basic authentication: login is checked, kept as Docker keeps it, used and forgotten", async () => {
  const directory = temporaryDirectory();
  const registry = await dockerRegistry({ directory, auth: "htpasswd" });
  await push(registry, "app", { directory, words: ["--dest-creds", `${USER}:${PASSWORD}`] });
  const pull = ["pull", `${registry.host}/app`];
  const anonymous = await wickIn(directory, pull);
  expect(anonymous.stderr).toContain("[UNAUTHORIZED]");
  expect(anonymous.stderr).toContain(`wick login ${registry.host}`);
  const args = ["login", registry.host, "-u", USER, "--password-stdin"];
  const wrong = await wickIn(directory, args, { stdin: "not it" });
  expect(wrong.stderr).toContain("[UNAUTHORIZED]");
  expect(wrong.stderr).toContain("hint: is the user or the password wrong?");
  const config = join(directory, ".docker/config.json");
  expect(existsSync(config)).toBe(false);
  mkdirSync(dirname(config));
  writeFileSync(
    config,
    JSON.stringify({ psFormat: "kept", auths: { "other:1": { auth: "eDp5" } } }),
  );
  const done = ok(await login(directory, registry.host));
  expect(done.stdout).toContain("Login Succeeded");
  expect(done.stdout + done.stderr).not.toContain(PASSWORD);
  expect(statSync(config).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(config, "utf8"))).toEqual({
    psFormat: "kept",
    auths: {
      "other:1": { auth: "eDp5" },
      [registry.host]: { auth: Buffer.from(`${USER}:${PASSWORD}`).toString("base64") },
    },
  });
  ok(await wickIn(directory, pull));
  ok(await wickIn(directory, ["logout", registry.host]));
  expect(JSON.parse(readFileSync(config, "utf8"))).toEqual({
    psFormat: "kept",
    auths: { "other:1": { auth: "eDp5" } },
  });
  const again = ok(await wickIn(directory, ["logout", registry.host]));
  expect(again.stdout).toContain("Not logged in");
});

test("what skopeo login keeps in podman's file is found", async () => {
  const directory = temporaryDirectory();
  const registry = await dockerRegistry({ directory, auth: "htpasswd" });
  await push(registry, "app", { directory, words: ["--dest-creds", `${USER}:${PASSWORD}`] });
  const file = join(directory, "auth.json");
  await runSkopeo([
    "login",
    "--tls-verify=false",
    "--authfile",
    file,
    "-u",
    USER,
    "-p",
    PASSWORD,
    registry.host,
  ]);
  const pull = ["pull", `${registry.host}/app`];
  ok(await wickIn(directory, pull, { env: { REGISTRY_AUTH_FILE: file } }));
});

test("what wick login keeps is found by skopeo", async () => {
  const directory = temporaryDirectory();
  const registry = await dockerRegistry({ directory, auth: "htpasswd" });
  await push(registry, "app", { directory, words: ["--dest-creds", `${USER}:${PASSWORD}`] });
  ok(await login(directory, registry.host));
  const words = ["--authfile", join(directory, ".docker/config.json")];
  expect(await digestBySkopeo(`${registry.host}/app`, words)).toMatch(/^sha256:/);
});

test("the bearer flow against a registry that verifies the token", async () => {
  const directory = temporaryDirectory();
  const service = await tokenServer(certificate);
  const registry = await dockerRegistry({
    directory,
    auth: { realm: `http://${service.host}/token`, certificate },
  });
  await push(registry, "app", { directory, words: ["--dest-creds", `${USER}:${PASSWORD}`] });
  const pull = ["pull", `${registry.host}/app`];
  const anonymous = await wickIn(directory, pull);
  expect(anonymous.stderr).toContain("[UNAUTHORIZED]");
  const wrong = await wickIn(directory, ["login", registry.host, "-u", USER, "--password-stdin"], {
    stdin: "wrong",
  });
  expect(wrong.stderr).toContain("incorrect username or password");
  ok(await login(directory, registry.host));
  ok(await wickIn(directory, pull));
});

test("a name that the registry does not know: what to look at", async () => {
  const directory = temporaryDirectory();
  const absent = await wickIn(directory, ["pull", `${open.host}/some/app:2`]);
  expect(absent.stderr).toContain("[SOURCE_NOT_FOUND]");
  expect(absent.stderr).toContain("the tag 2 right?");
  const meant = await wickIn(directory, ["build", "dbe:nginx", "-o", join(directory, "x.ext4")], {
    // Nothing of this test leaves the machine.
    env: { HTTPS_PROXY: "http://127.0.0.1:9", https_proxy: "http://127.0.0.1:9" },
  });
  expect(meant.stderr).toContain("did you mean deb:nginx?");
});
