import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { endpointsOf } from "./endpoint.ts";
import { readSettings, settingsFile } from "./settings.ts";

async function read(text: string) {
  const environment = { XDG_CONFIG_HOME: temporaryDirectory() };
  const file = settingsFile(environment)!;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return await readSettings(environment);
}

test("mirrors are asked before the registry, each with settings of its own", async () => {
  const settings = await read(`
registries:
  docker.io:
    mirrors: [mirror.test:5000, Other.test]
  mirror.test:5000:
    insecure: true
  registry.test:
    token-hosts: [auth.test]
`);
  const endpoints = endpointsOf("docker.io", settings);
  expect(endpoints.map(({ api }) => api)).toEqual([
    "mirror.test:5000",
    "other.test",
    "registry-1.docker.io",
  ]);
  expect(endpoints.map(({ isInsecure }) => isInsecure)).toEqual([true, false, false]);
  expect(endpoints[2]!.tokenHosts).toEqual(["auth.docker.io"]);
  expect(endpointsOf("registry.test", settings)[0]!.tokenHosts).toEqual(["auth.test"]);
});

test("no file, an empty one and an empty list are no settings", async () => {
  expect(await readSettings({ XDG_CONFIG_HOME: temporaryDirectory() })).toEqual(new Map());
  expect(await readSettings({})).toEqual(new Map());
  expect(await read("")).toEqual(new Map());
  expect(await read("registries: {}")).toEqual(new Map());
});

test("every mistake is told with its place", async () => {
  const wrong = read(`
registries:
  docker.io:
    mirror: x
    mirrors: ["https://mirror.test"]
    insecure: "yes"
  "http://a.test":
    insecure: true
`);
  const error = (await wrong.catch((thrown: unknown) => thrown)) as Error & { code: string };
  expect(error.code).toBe("CONFIG_INVALID");
  for (const words of ["mirror: no such key", "mirrors", "insecure", "wanted HOST"]) {
    expect(error.message).toContain(words);
  }
});

test("names of every object are no registries", async () => {
  const settings = await read("registries: {}");
  for (const name of ["constructor", "toString"]) {
    expect(endpointsOf(name, settings).map(({ host }) => host)).toEqual([name]);
  }
});

test("--insecure and loopback allow plain HTTP, for that host alone", () => {
  const of = (host: string, insecure: readonly string[] = []) => {
    const [endpoint] = endpointsOf(host, new Map(), insecure);
    return [endpoint!.isInsecure, endpoint!.mayUseHttp];
  };
  expect(of("a.test:5000")).toEqual([false, false]);
  expect(of("a.test:5000", ["a.test:5000"])).toEqual([true, true]);
  expect(of("a.test:5000", ["a.test"])).toEqual([false, false]);
  expect(of("localhost:5000")).toEqual([false, true]);
  expect(of("[::1]:5000")).toEqual([false, true]);
});
