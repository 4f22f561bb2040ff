import { createServer, type RequestListener, type Server } from "node:http";
import { mkdirSync, readdirSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeImage, packFiles, savedFiles } from "../../../test/support/image-builder.ts";
import { opened, treeOf } from "../../../test/support/image-tree.ts";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { setFaults } from "../../host/index.ts";
import { openSource } from "../index.ts";
import { findEngine } from "./address.ts";

let root: string;
let server: Server | undefined;
const asked: string[] = [];
beforeEach(() => void (root = temporaryDirectory()));
afterEach(async () => {
  asked.length = 0;
  server?.closeAllConnections();
  await new Promise((resolve) => (server === undefined ? resolve(0) : server.close(resolve)));
  server = undefined;
});

/** An engine at `path`, or at a port of this machine; what names it. */
async function engine(answer: RequestListener, path?: string): Promise<string> {
  const started = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  server = started;
  await new Promise<void>((resolve) =>
    started.listen(path ?? { host: "127.0.0.1", port: 0 }, resolve),
  );
  if (path !== undefined) return `unix://${path}`;
  return `tcp://127.0.0.1:${(started.address() as AddressInfo).port}`;
}

const archive = packFiles(savedFiles(makeImage()));
const by = (environment: Record<string, string>) => ({ cache: join(root, "cache"), environment });
const spools = (): string[] =>
  readdirSync(join(root, "cache/tmp")).filter((name) => name.endsWith(".spool"));

test("an image comes from a socket and from a port, by its name or id, in one request", async () => {
  const send: RequestListener = (_, response) => void response.end(archive);
  const environment = { DOCKER_HOST: await engine(send) };
  const { lines } = await treeOf("docker-daemon:reg.io:5000/team/app:1", by(environment));
  expect(lines.map((line) => line.split("|")[0])).toEqual(["/", "/b", "/c", "/etc"]);
  await treeOf("docker-daemon:0123456789ab", by(environment));
  expect(asked).toEqual([
    "GET /images/reg.io%3A5000/team/app%3A1/get",
    "GET /images/0123456789ab/get",
  ]);
  expect(spools()).toEqual([]);
});

test("the archive is on disk as long as its image is used, and then gone", async () => {
  const send: RequestListener = (_, response) => void response.end(archive);
  const environment = { CONTAINER_HOST: await engine(send, join(root, "s")) };
  const contents = await opened("podman:app", by(environment));
  expect(spools()).toHaveLength(1);
  contents.release?.();
  expect(spools()).toEqual([]);
});

test("an answer that breaks off is an error, and nothing of it stays", async () => {
  const half: RequestListener = (_, response) => {
    response.setHeader("content-length", archive.length);
    response.write(archive.subarray(0, 2000), () => response.destroy());
  };
  const environment = { DOCKER_HOST: await engine(half, join(root, "s")) };
  await expect(treeOf("docker-daemon:app", by(environment))).rejects.toMatchObject({
    message: expect.stringContaining(join(root, "s")),
  });
  expect(spools()).toEqual([]);
  const cut = await engineEndingAt(1500);
  await expect(treeOf("docker-daemon:app", by({ DOCKER_HOST: cut }))).rejects.toMatchObject({
    code: "ARCHIVE_INVALID",
  });
});

/** One that says it is done in the middle of the archive. */
async function engineEndingAt(length: number): Promise<string> {
  server?.closeAllConnections();
  server?.close();
  return engine((_, response) => void response.end(archive.subarray(0, length)), join(root, "s2"));
}

test("an engine's own words are shown, short and safe", async () => {
  const message = `no\u001b[31m space ${"x".repeat(5000)}`;
  const refuse: RequestListener = (_, response) => {
    response.statusCode = 500;
    response.end(JSON.stringify({ message }));
  };
  const environment = { DOCKER_HOST: await engine(refuse) };
  const error = (await treeOf("docker-daemon:app", by(environment)).catch(
    (is: unknown) => is,
  )) as Error;
  expect(error).toMatchObject({ code: "REGISTRY_FAILED" });
  expect(error.message).toMatch(/Docker at tcp:\/\/127\.0\.0\.1:\d+ answers 500, "no/);
  expect(error.message.length).toBeLessThan(600);
  expect(error.message).not.toMatch(/\p{Cc}/u);
});

test("an engine that never answers is given up by the signal", async () => {
  const host = await engine(() => undefined);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 50);
  const parsed = { kind: "docker-daemon", rest: "app", reference: "docker-daemon:app" } as const;
  const options = {
    cacheDirectory: root,
    architecture: "x86_64",
    environment: { DOCKER_HOST: host },
  } as const;
  await expect(openSource(parsed, options).open(stop.signal)).rejects.toMatchObject({
    code: "INTERRUPTED",
  });
});

test("without a variable the sockets that engines have are looked at", async () => {
  mkdirSync(join(root, "podman"));
  const path = join(root, "podman/podman.sock");
  await engine(() => undefined, path);
  expect(findEngine("podman", { XDG_RUNTIME_DIR: root })).toEqual({ socketPath: path });
  expect(() => findEngine("docker-daemon", { XDG_RUNTIME_DIR: root, HOME: root })).toThrow(
    expect.objectContaining({
      code: "REGISTRY_FAILED",
      message: expect.stringContaining(`${root}/docker.sock, ${root}/.docker/run/docker.sock`),
    }),
  );
});

test("what the variable may say", () => {
  const at = (DOCKER_HOST: string) => findEngine("docker-daemon", { DOCKER_HOST });
  expect(at("unix:///run/x.sock")).toEqual({ socketPath: "/run/x.sock" });
  expect(at("tcp://[::1]:2375")).toEqual({ host: "::1", port: 2375 });
  expect(at("tcp://engine.local:2375/")).toEqual({ host: "engine.local", port: 2375 });
  for (const other of [
    "ssh://me@there",
    "unix://relative",
    "tcp://x:99999",
    "tcp://x",
    "http://x",
  ]) {
    expect(() => at(other), other).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
  }
});

test("a socket that the user may not use says so", async () => {
  setFaults([{ call: "connect", pathPrefix: root, nth: 1, errno: "EACCES" }]);
  const environment = { DOCKER_HOST: `unix://${root}/s` };
  await expect(treeOf("docker-daemon:app", by(environment))).rejects.toMatchObject({
    code: "REGISTRY_FAILED",
    message: expect.stringContaining(`${root}/s: permission denied`),
    hint: expect.stringContaining("join its group"),
  });
  setFaults([]);
});

test("what cannot be reached names the image, the engine and what to try", async () => {
  const closed = "tcp://127.0.0.1:1";
  for (const environment of [{ DOCKER_HOST: closed }, { DOCKER_HOST: "unix:///nowhere" }]) {
    await expect(treeOf("docker-daemon:app:1", by(environment))).rejects.toMatchObject({
      message: expect.stringMatching(
        /^Cannot use docker-daemon:app:1: cannot ask the engine at .*(1:1|nowhere)/,
      ),
      hint: expect.stringContaining("systemctl start docker"),
    });
  }
  await expect(treeOf("podman:app", by({ XDG_RUNTIME_DIR: root }))).rejects.toMatchObject({
    message: expect.stringMatching(/^Cannot use podman:app: cannot (reach|ask) /),
    hint: expect.stringContaining("podman system service"),
  });
});
