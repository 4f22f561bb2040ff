import { expect, test } from "vitest";
import { codeOf } from "../../test/support/failures.ts";
import { utf8 } from "../bytes/index.ts";
import { DEFAULT_PATH, resolveProcess } from "./resolve.ts";

const files = {
  passwd: utf8("root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\n"),
  group: utf8("adm:x:4:www-data\n"),
};
const resolve = (config: Parameters<typeof resolveProcess>[0], tty = false) =>
  resolveProcess(config, files, { tty });

test("a bare command gets Docker's defaults", () => {
  expect(resolve({ Cmd: ["id"] })).toEqual({
    argv: ["id"],
    env: [`PATH=${DEFAULT_PATH}`, "HOSTNAME=wick", "HOME=/root"],
    directory: "/",
    uid: 0,
    gid: 0,
    groups: [],
    stopSignal: 15,
    hostname: "wick",
  });
});

test("everything that the config says is resolved", () => {
  expect(
    resolve(
      {
        Entrypoint: ["nginx"],
        Cmd: ["-g", "daemon off;"],
        Env: ["PATH=/bin", "A=1"],
        User: "www-data",
        WorkingDir: "/srv/../www/",
        StopSignal: "quit",
        Hostname: "web",
      },
      true,
    ),
  ).toEqual({
    argv: ["nginx", "-g", "daemon off;"],
    env: ["PATH=/bin", "HOSTNAME=web", "TERM=xterm", "A=1", "HOME=/var/www"],
    directory: "/www",
    uid: 33,
    gid: 33,
    groups: [4],
    stopSignal: 3,
    hostname: "web",
  });
});

test("a HOME of the config stays, an empty one is replaced", () => {
  const home = (Env: string[]) =>
    resolve({ Cmd: ["a"], Env }).env.filter((s) => s.startsWith("HOME="));
  expect([home(["HOME=/mine"]), home(["HOME="]), home([])]).toEqual([
    ["HOME=/mine"],
    ["HOME=/root"],
    ["HOME=/root"],
  ]);
});

test("an unusable StopSignal of an image is SIGTERM", () => {
  expect(resolve({ Cmd: ["a"], StopSignal: "SIGWHAT" }).stopSignal).toBe(15);
});

test("what cannot be started is an error before anything is built", () => {
  const bad = [
    [{}, "NO_APPLICATION"],
    [{ Entrypoint: [], Cmd: [] }, "NO_APPLICATION"],
    [{ Entrypoint: [""] }, "NO_APPLICATION"],
    [{ Cmd: ["a"], User: "nobody" }, "USER_UNKNOWN"],
    [{ Cmd: ["a"], Env: ["NAME"] }, "CONFIG_INVALID"],
    [{ Cmd: ["a"], Env: ["=x"] }, "CONFIG_INVALID"],
    [{ Cmd: ["a"], Env: ["A=\0"] }, "CONFIG_INVALID"],
    [{ Cmd: ["a"], WorkingDir: "srv" }, "CONFIG_INVALID"],
    [{ Cmd: ["a", "x".repeat(128 * 1024)] }, "CONFIG_INVALID"],
    [{ Cmd: Array.from({ length: 20 }, () => "x".repeat(120_000)) }, "CONFIG_INVALID"],
  ] as const;
  for (const [config, code] of bad) expect(codeOf(() => resolve(config))).toBe(code);
});

test("an error does not repeat the value of a variable", () => {
  const Env = [`SECRET=${"hunter2".repeat(30_000)}`];
  try {
    resolve({ Cmd: ["a"], Env });
    expect.unreachable();
  } catch (error) {
    expect(String(error)).toContain("SECRET");
    expect(String(error)).not.toContain("hunter2");
  }
});
