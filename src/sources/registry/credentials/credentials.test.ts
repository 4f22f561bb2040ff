import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AT_ONCE_MS } from "../../../../test/support/at-once.ts";
import { temporaryDirectory } from "../../../../test/support/temporary-directory.ts";
import type { WickError } from "../../../errors/index.ts";
import { findCredentials, forgetCredentials, keepCredentials } from "./index.ts";

let home: string;
let path: string | undefined;

beforeEach(() => {
  home = temporaryDirectory();
  path = process.env["PATH"];
});

afterEach(() => {
  process.env["PATH"] = path;
});

const base64 = (text: string): string => Buffer.from(text).toString("base64");

function write(file: string, contents: unknown): string {
  const whole = join(home, file);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, typeof contents === "string" ? contents : JSON.stringify(contents));
  return whole;
}

function find(registry = "ghcr.io", environment: Record<string, string> = {}, limitMs?: number) {
  return findCredentials(registry, "owner/app", {
    environment: { HOME: home, ...environment },
    helperLimitMs: limitMs,
  });
}

/** A credential helper as a shell script, on the PATH; it is told the verb as $1. */
function helper(name: string, script: string): void {
  const file = write(`bin/docker-credential-${name}`, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  process.env["PATH"] = `${dirname(file)}:${path}`;
}

async function failure(promise: Promise<unknown>): Promise<WickError> {
  return await promise.then(
    () => expect.unreachable("it succeeded"),
    (error: unknown) => error as WickError,
  );
}

test("Docker's file comes first, then podman's; DOCKER_AUTH_CONFIG before all", async () => {
  expect(await find()).toBeUndefined();
  const auths = (user: string) => ({ auths: { "ghcr.io": { auth: base64(`${user}:p`) } } });
  const username = async (environment = {}) => {
    const found = await find("ghcr.io", environment);
    return found?.kind === "basic" ? found.username : found;
  };
  write(".config/containers/auth.json", auths("config"));
  expect(await username()).toBe("config");
  write("run/containers/auth.json", auths("runtime"));
  const runtime = { XDG_RUNTIME_DIR: join(home, "run") };
  expect(await username(runtime)).toBe("runtime");
  const file = { ...runtime, REGISTRY_AUTH_FILE: write("file.json", auths("file")) };
  expect(await username(file)).toBe("file");
  write(".docker/config.json", auths("docker"));
  expect(await username(file)).toBe("docker");
  write("other/config.json", auths("other"));
  const other = { ...file, DOCKER_CONFIG: join(home, "other") };
  expect(await username(other)).toBe("other");
  const inline = { ...other, DOCKER_AUTH_CONFIG: JSON.stringify(auths("inline")) };
  expect(await username(inline)).toBe("inline");
});

test("R16 a password may hold colons, and end in the NULs that Docker leaves", async () => {
  write(".docker/config.json", { auths: { "ghcr.io": { auth: base64("me:a:b:c\0\0") } } });
  expect(await find()).toEqual({ kind: "basic", username: "me", password: "a:b:c" });
});

test("R16 identity and registry tokens, and users in clear, are understood", async () => {
  write(".docker/config.json", {
    auths: {
      "a.test": { auth: "", identitytoken: "refresh" },
      "b.test": { registrytoken: "token" },
      "c.test": { username: "me", password: "p" },
      "d.test": {},
    },
  });
  expect(await find("a.test")).toEqual({ kind: "identity", token: "refresh" });
  expect(await find("b.test")).toEqual({ kind: "bearer", token: "token" });
  expect(await find("c.test")).toEqual({ kind: "basic", username: "me", password: "p" });
  expect(await find("d.test")).toBeUndefined();
});

test("a file that is damaged is named, and not quoted", async () => {
  for (const contents of [
    '{"auths":{"ghcr.io":{"auth":"c2VjcmV0',
    '{"auths":{"x":{"auth":7}}}',
    "[]",
  ]) {
    write(".docker/config.json", contents);
    const error = await failure(find());
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.message).toContain("config.json");
    expect(error.message).not.toContain("c2VjcmV0");
  }
  write(".docker/config.json", { auths: { "ghcr.io": { auth: base64("nocolon") } } });
  expect((await failure(find())).hint).toContain("wick login");
});

test("credHelpers come before credsStore before auths; the helper is given the server on stdin", async () => {
  const seen = join(home, "seen");
  helper("own", `cat > ${seen}; printf '{"ServerURL":"x","Username":"own","Secret":"s"}'`);
  helper("all", `cat > ${seen}; printf '{"Username":"<token>","Secret":"refresh"}'`);
  write(".docker/config.json", {
    auths: { "ghcr.io": { auth: base64("file:p") }, "other.test": {} },
    credHelpers: { "ghcr.io": "own" },
    credsStore: "all",
  });
  expect(await find()).toEqual({ kind: "basic", username: "own", password: "s" });
  expect(readFileSync(seen, "utf8")).toBe("ghcr.io");
  expect(await find("docker.io")).toEqual({ kind: "identity", token: "refresh" });
  expect(readFileSync(seen, "utf8")).toBe("https://index.docker.io/v1/");
});

test("a helper that keeps nothing for the server leaves us without a name", async () => {
  helper("empty", "cat > /dev/null; echo 'credentials not found in native keychain'; exit 1");
  write(".docker/config.json", { credsStore: "empty" });
  expect(await find()).toBeUndefined();
});

test("R16 a helper that is missing, fails, or says nonsense is an error that names it", async () => {
  write(".docker/config.json", { credsStore: "gone" });
  const missing = await failure(find());
  expect(missing.code).toBe("TOOL_MISSING");
  expect(missing.message).toContain("docker-credential-gone");
  helper("fails", "cat > /dev/null; echo 'the keyring is locked' >&2; exit 1");
  write(".docker/config.json", { credsStore: "fails" });
  const failed = await failure(find());
  expect(failed.code).toBe("TOOL_FAILED");
  expect(failed.detail).toContain("the keyring is locked");
  helper("nonsense", "cat > /dev/null; echo hello");
  write(".docker/config.json", { credsStore: "nonsense" });
  expect((await failure(find())).code).toBe("TOOL_FAILED");
});

test("R16 a helper that hangs is given up, with what it started", async () => {
  helper("hangs", "sleep 1000 & sleep 1000");
  write(".docker/config.json", { credsStore: "hangs" });
  const start = performance.now();
  const error = await failure(find("ghcr.io", {}, 300));
  expect(error.message).toContain("it has not ended after 0.3 s");
  expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
});

test("R16 a helper that prints without end is stopped", async () => {
  helper("endless", "exec cat /dev/zero");
  write(".docker/config.json", { credsStore: "endless" });
  const error = await failure(find());
  expect(error.code).toBe("TOOL_FAILED");
  expect(error.message).toContain("it prints over");
});

test("R16 a helper's name is no path", async () => {
  const touched = join(home, "touched");
  const file = write("docker-credential-x", `#!/bin/sh\ntouch ${touched}\n`);
  chmodSync(file, 0o755);
  for (const name of ["../x", "/bin/sh", "a b", "x\n", "$(id)", "é"]) {
    write(".docker/config.json", { credsStore: name });
    expect((await failure(find())).code).toBe("CONFIG_INVALID");
  }
  expect(existsSync(touched)).toBe(false);
});

test("P9 a helper is given a listed environment", async () => {
  const seen = join(home, "seen");
  helper("env", `cat > /dev/null; env > ${seen}; printf '{"Username":"u","Secret":"s"}'`);
  write(".docker/config.json", { credsStore: "env" });
  process.env["WICK_TEST_SECRET"] = "not for helpers";
  try {
    await find("ghcr.io", { AWS_PROFILE: "mine", WICK_TEST_SECRET: "x" });
  } finally {
    delete process.env["WICK_TEST_SECRET"];
  }
  const given = readFileSync(seen, "utf8");
  expect(given).toContain("AWS_PROFILE=mine");
  expect(given).toContain(`HOME=${home}`);
  expect(given).not.toContain("WICK_TEST_SECRET");
});

const pair = { username: "me", password: "p:w" };

test("kept in Docker's file: 0600, in a directory of 0700, every other key as it was", async () => {
  const umask = process.umask(0);
  try {
    const environment = { HOME: home };
    const kept = await keepCredentials("ghcr.io", pair, { environment });
    const file = join(home, ".docker/config.json");
    expect(kept).toEqual({ file });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
    expect(await find()).toEqual({ kind: "basic", ...pair });
    const other = { HttpHeaders: { a: "b" }, auths: { x: { auth: "eDp5", extra: [1] } } };
    writeFileSync(file, JSON.stringify(other));
    await keepCredentials("docker.io", pair, { environment });
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      ...other,
      auths: { ...other.auths, "https://index.docker.io/v1/": { auth: base64("me:p:w") } },
    });
    expect(await forgetCredentials("docker.io", { environment })).toEqual({ file });
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(other);
    expect(await forgetCredentials("docker.io", { environment })).toBeUndefined();
  } finally {
    process.umask(umask);
  }
});

test("kept by a helper: the password goes to it alone", async () => {
  const seen = join(home, "seen");
  helper("keeps", `echo "$1" >> ${seen}; cat >> ${seen}`);
  const file = write(".docker/config.json", { credsStore: "keeps" });
  const environment = { HOME: home };
  expect(await keepCredentials("ghcr.io", pair, { environment })).toEqual({ helper: "keeps" });
  expect(readFileSync(seen, "utf8")).toBe(
    `store\n{"ServerURL":"ghcr.io","Username":"me","Secret":"p:w"}`,
  );
  expect(readFileSync(file, "utf8")).not.toContain("p:w");
  expect(readFileSync(file, "utf8")).not.toContain(base64("me:p:w"));
  expect(await forgetCredentials("ghcr.io", { environment })).toEqual({ helper: "keeps" });
  expect(readFileSync(seen, "utf8")).toContain("erase\nghcr.io");
});

test("R16 where the helper fails, nothing is written in clear text", async () => {
  helper("broken", "cat > /dev/null; exit 1");
  const file = write(".docker/config.json", { credsStore: "broken" });
  const before = readFileSync(file, "utf8");
  const error = await failure(keepCredentials("ghcr.io", pair, { environment: { HOME: home } }));
  expect(error.code).toBe("TOOL_FAILED");
  expect(readFileSync(file, "utf8")).toBe(before);
});
