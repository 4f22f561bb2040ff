import { expect, test } from "vitest";
import { codeOf } from "../../test/support/failures.ts";
import type { AppConfig } from "./config.ts";
import { commandOf, configOf, mergeConfigs, type Overrides } from "./merge.ts";

const image: AppConfig = {
  Entrypoint: ["/docker-entrypoint.sh"],
  Cmd: ["nginx", "-g", "daemon off;"],
  Env: ["PATH=/usr/bin:/bin", "VERSION=1.27"],
  ExposedPorts: { "80/tcp": {} },
  Labels: { maintainer: "x" },
  StopSignal: "SIGQUIT",
  User: "nginx",
  WorkingDir: "/srv",
};

const apply = (overrides: Overrides, caller = {}) =>
  mergeConfigs(image, configOf(overrides, caller));

/** docker run [--entrypoint E] IMAGE [COMMAND…] of the image above → argv. */
const commandCases: [string, Overrides, readonly string[] | "NO_APPLICATION"][] = [
  ["nothing", {}, ["/docker-entrypoint.sh", "nginx", "-g", "daemon off;"]],
  ["a command", { command: ["sh", "-c", "id"] }, ["/docker-entrypoint.sh", "sh", "-c", "id"]],
  ["an entrypoint", { entrypoint: "/bin/ls" }, ["/bin/ls"]],
  ["both", { entrypoint: "/bin/ls", command: ["-l"] }, ["/bin/ls", "-l"]],
  ["an entrypoint of one word with spaces", { entrypoint: "my tool" }, ["my tool"]],
  ["an entrypoint of words", { entrypoint: ["a", "b c"], command: ["d"] }, ["a", "b c", "d"]],
  ["an empty entrypoint", { entrypoint: "" }, "NO_APPLICATION"],
  ["an empty list as entrypoint", { entrypoint: [] }, "NO_APPLICATION"],
  ["an empty entrypoint, a command", { entrypoint: "", command: ["id"] }, ["id"]],
  [
    "an empty command list",
    { command: [] },
    ["/docker-entrypoint.sh", "nginx", "-g", "daemon off;"],
  ],
];

for (const [name, overrides, argv] of commandCases) {
  test(`the command of ${name} is Docker's`, () => {
    const result = () => commandOf(apply(overrides));
    if (argv === "NO_APPLICATION") expect(codeOf(result)).toBe(argv);
    else expect(result()).toEqual(argv);
  });
}

test("variables: the last wins in the first one's place, a caller's value is taken, one he lacks goes away", () => {
  const env = ["VERSION=2", "NEW=", "HERE", "PATH", "NEW=x=y"];
  expect(apply({ env }, { HERE: "from caller" }).Env).toEqual([
    "VERSION=2",
    "NEW=x=y",
    "HERE=from caller",
  ]);
});

test("values with newlines, quotes and a megabyte stay exact", () => {
  const values = ["A=\"quoted'", "B=two\nlines\r\n", `C=${"x".repeat(1 << 20)}`];
  expect(apply({ env: values }).Env!.slice(2)).toEqual(values);
});

test("the other flags replace or add as Docker does", () => {
  expect(
    apply({
      workdir: "/a//b/../c/",
      user: "1000:1000",
      expose: ["443", "8000-8001/UDP"],
      labels: ["a=b=c", "flag"],
      stopSignal: "rtmin+3",
      hostname: "web-1.example",
    }),
  ).toEqual({
    ...image,
    WorkingDir: "/a/c",
    User: "1000:1000",
    ExposedPorts: { "80/tcp": {}, "443/tcp": {}, "8000/udp": {}, "8001/udp": {} },
    Labels: { maintainer: "x", a: "b=c", flag: "" },
    StopSignal: "rtmin+3",
    Hostname: "web-1.example",
  });
  expect(apply({ user: "", workdir: "" })).toEqual(image);
});

test("a recipe over a config: an empty entrypoint drops the command below, volumes add up", () => {
  const upper: AppConfig = { Entrypoint: [], Volumes: { "/data": {} } };
  const merged = mergeConfigs({ ...image, Volumes: { "/cache": {} } }, upper);
  expect(merged.Cmd).toBeUndefined();
  expect(merged.Volumes).toEqual({ "/cache": {}, "/data": {} });
  expect(mergeConfigs({}, image)).toEqual(image);
  expect(mergeConfigs(image, {})).toEqual(image);
});

test("wrong flags are usage errors", () => {
  for (const overrides of [
    { env: ["=x"] },
    { env: ["A=\0"] },
    { workdir: "relative" },
    { expose: ["0"] },
    { labels: ["=x"] },
    { labels: [""] },
    { stopSignal: "SIGNONE" },
    { hostname: "a b" },
    { hostname: "-a" },
    { hostname: "x".repeat(65) },
    { entrypoint: "a\0b" },
    { command: ["\ud800"] },
  ] satisfies Overrides[]) {
    expect([overrides, codeOf(() => apply(overrides))]).toEqual([overrides, "USAGE"]);
  }
});

test("lists that are empty override nothing: whoever gives them has not asked for anything", () => {
  expect(configOf({ env: [], command: [], workdir: "", user: "" }, {})).toEqual({});
});
