/** For tests: the distribution's own registry (Debian's docker-registry) on loopback. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { X509Certificate, randomUUID, sign } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach } from "vitest";
import { writeLayout } from "../oci-layout.ts";
import { archive, file } from "../tar-builder.ts";
import type { Certificate } from "./certificate.ts";
import { type Listener, listen } from "./listener.ts";
import { noise } from "./image.ts";

export const USER = "tester";
export const PASSWORD = "pass:word";
/** bcrypt, as htpasswd -B writes it. */
const HTPASSWD = "tester:$2y$04$m8S9RsyLcyrDL4DFWxveW.q7QjNi/CMRYR83tnJXC3nOZew49./qe";

export interface DockerRegistry {
  readonly host: string;
  readonly port: number;
  /** Lines of its log: one for each request that it answered. */
  log(): string;
  /** How often a path that holds `part` was asked for, with a body in answer. */
  requests(part: string): number;
  stop(): Promise<void>;
}

export interface DockerRegistryOptions {
  readonly directory: string;
  readonly auth?: "htpasswd" | { readonly realm: string; readonly certificate: Certificate };
  readonly tls?: Certificate;
  readonly port?: number;
}

const running = new Set<DockerRegistry>();
const lasting = new Set<DockerRegistry>();

afterEach(async () => {
  await Promise.all([...running].map((registry) => registry.stop()));
});
afterAll(async () => {
  await Promise.all([...lasting].map((registry) => registry.stop()));
});

/** Starts a registry that is gone when the test ends; `forAll`: when the file of tests does. */
export async function dockerRegistry(
  options: DockerRegistryOptions,
  forAll = false,
): Promise<DockerRegistry> {
  const config = join(options.directory, `config-${randomUUID()}.json`);
  writeFileSync(config, JSON.stringify(configOf(options)));
  const child = spawn("docker-registry", ["serve", config], { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  const port = await new Promise<number>((resolve, reject) => {
    const take = (chunk: Buffer): void => {
      log += chunk.toString();
      const found = /listening on 127\.0\.0\.1:(\d+)/.exec(log);
      if (found !== null) resolve(Number(found[1]));
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`docker-registry ended:\n${log}`)));
  });
  const registry: DockerRegistry = {
    host: `127.0.0.1:${port}`,
    port,
    log: () => log,
    requests: (part) =>
      log.split("\n").filter((line) => line.includes("response completed") && line.includes(part))
        .length,
    async stop() {
      running.delete(registry);
      lasting.delete(registry);
      await ended(child);
    },
  };
  (forAll ? lasting : running).add(registry);
  return registry;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

/** JSON is YAML. */
function configOf({ directory, auth, tls, port = 0 }: DockerRegistryOptions): unknown {
  const htpasswd = join(directory, "htpasswd");
  if (auth === "htpasswd") writeFileSync(htpasswd, `${HTPASSWD}\n`);
  return {
    version: 0.1,
    log: { level: "info", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(directory, "registry") } },
    http: {
      addr: `127.0.0.1:${port}`,
      secret: "not one",
      ...(tls === undefined ? {} : { tls: { certificate: tls.certFile, key: tls.keyFile } }),
    },
    ...(auth === undefined ? {} : { auth: authOf(auth, htpasswd) }),
  };
}

function authOf(auth: NonNullable<DockerRegistryOptions["auth"]>, htpasswd: string): unknown {
  if (auth === "htpasswd") return { htpasswd: { realm: "test", path: htpasswd } };
  const { realm, certificate } = auth;
  return {
    token: {
      realm,
      service: "test registry",
      issuer: "test",
      rootcertbundle: certificate.authority,
    },
  };
}

/**
 * A token service that docker-registry trusts: it signs what is asked for (docs/spec/auth/jwt.md),
 * to pull for everybody who is let in, or only for USER.
 */
export function tokenServer(certificate: Certificate, isPublic = false): Promise<Listener> {
  return listen(({ url, headers }, response) => {
    const basic = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString("base64")}`;
    const isUser = headers.authorization === basic;
    if (headers.authorization !== undefined && !isUser) {
      response.writeHead(401).end(JSON.stringify({ details: "incorrect username or password" }));
      return;
    }
    const query = new URL(url, "http://x").searchParams;
    const [type, name, actions = ""] = (query.get("scope") ?? "").split(":");
    const isAllowed = type === "repository" && (isUser || isPublic);
    const access = isAllowed ? [{ type, name, actions: actions.split(",") }] : [];
    const token = jwt(certificate, access);
    response.writeHead(200).end(JSON.stringify({ token, expires_in: 300 }));
  });
}

function jwt(certificate: Certificate, access: unknown): string {
  const now = Math.floor(Date.now() / 1000);
  const x5c = [new X509Certificate(certificate.cert).raw.toString("base64")];
  const claims = {
    iss: "test",
    sub: USER,
    aud: "test registry",
    exp: now + 300,
    nbf: now - 10,
    iat: now,
    jti: randomUUID(),
    access,
  };
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ typ: "JWT", alg: "ES256", x5c })}.${part(claims)}`;
  const key = { key: certificate.key, dsaEncoding: "ieee-p1363" } as const;
  return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
}

/** Pushes an image of generated layers with skopeo. */
export async function push(
  registry: DockerRegistry,
  name: string,
  options: {
    readonly directory: string;
    readonly layerBytes?: readonly number[];
    readonly words?: readonly string[];
  },
): Promise<void> {
  const layout = join(options.directory, "layout");
  if (!existsSync(layout)) {
    const layers = (options.layerBytes ?? [1000, 200_000]).map((length, i) =>
      archive(file(`file${i}`, noise(length, i))),
    );
    mkdirSync(layout, { recursive: true });
    writeLayout(layout, [{ name: "image", layers }]);
  }
  await skopeo(`oci:${layout}:image`, `docker://${registry.host}/${name}`, options.words);
}

/** Copies an image; into a registry without checking certificates. */
export async function skopeo(
  from: string,
  to: string,
  words: readonly string[] = [],
): Promise<void> {
  const args = ["copy", "--insecure-policy", "--dest-tls-verify=false", ...words, from, to];
  await runSkopeo(args);
}

/** The digest that skopeo computes. */
export async function digestBySkopeo(
  reference: string,
  words: readonly string[] = [],
): Promise<string> {
  const args = ["inspect", "--tls-verify=false", "--format", "{{.Digest}}", ...words];
  return (await runSkopeo([...args, `docker://${reference}`])).trim();
}

/** Not synchronously: it may talk to servers of this very process. */
export async function runSkopeo(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("skopeo", args, { timeout: 30_000 });
  return stdout;
}
