import { expect, test } from "vitest";
import * as fc from "fast-check";
import { parseConfig, printConfig } from "../../application/index.ts";
import { utf8 } from "../../bytes/index.ts";
import { isWickError } from "../../errors/index.ts";
import { configFromImage, parseImageConfig } from "./index.ts";

const read = (config: unknown) => {
  const rootfs = { type: "layers", diff_ids: [] };
  const image = { architecture: "amd64", os: "linux", rootfs, config };
  return configFromImage(parseImageConfig(utf8(JSON.stringify(image)), "app:1"), "app:1");
};

test("all of an image's config that has a meaning here is kept, the rest left out", () => {
  const known = {
    Entrypoint: ["/entry"],
    Cmd: ["a", "b"],
    Env: ["PATH=/bin", "EMPTY=", "EQ=a=b"],
    WorkingDir: "/srv",
    User: "nginx:www",
    StopSignal: "SIGQUIT",
    ExposedPorts: { "80/tcp": {}, "53/udp": {} },
    Volumes: { "/data": {} },
    Healthcheck: { Test: ["CMD", "true"], Interval: 5e9 },
    Labels: { "dev.wick.run": "rm -rf /" },
  };
  const unknown = { ArgsEscaped: true, OnBuild: ["RUN x"], Shell: ["/bin/sh"], Hostname: "h" };
  expect(read({ ...known, ...unknown, Domainname: "", Image: "sha256:x" })).toEqual(known);
});

test("A14: labels that look like wick's own keys are data, and pass unread", () => {
  const Labels = { "dev.wick.run": "touch /tmp/x", "dev.wick.volume": "/:/host" };
  expect(read({ Labels })).toEqual({ Labels });
});

test("what Docker and others write for nothing is nothing", () => {
  const nothing = [null, "", [], undefined];
  for (const none of nothing) expect(read({ Cmd: none, Entrypoint: none })).toEqual({});
  const nulls = ["Env", "WorkingDir", "User", "StopSignal", "ExposedPorts", "Volumes", "Labels"];
  expect(read(Object.fromEntries([...nulls, "Healthcheck"].map((key) => [key, null])))).toEqual({});
  expect(read({ User: "", StopSignal: "" })).toEqual({});
  expect(read(null)).toEqual({});
  expect(read({ Healthcheck: { Test: ["NONE"], Retries: null, Later: 1 } })).toEqual({
    Healthcheck: { Test: ["NONE"] },
  });
});

test("a null within a list or an object is an empty text, as Go reads it", () => {
  expect(read({ Labels: { a: null, b: "c" } }).Labels).toEqual({ a: "", b: "c" });
  expect(read({ Entrypoint: ["/app", null] }).Entrypoint).toEqual(["/app", ""]);
  expect(read({ Cmd: [null] }).Cmd).toEqual([""]);
  expect(read({ Env: ["A=1", null] }).Env).toEqual(["A=1"]);
  expect(read({ Healthcheck: { Test: ["CMD", null] } }).Healthcheck).toEqual({
    Test: ["CMD", ""],
  });
});

test("values take the form that the rest of wick knows", () => {
  expect(read({ Cmd: "one word", Entrypoint: "/x" })).toEqual({
    Cmd: ["one word"],
    Entrypoint: ["/x"],
  });
  expect(read({ ExposedPorts: { "80": {}, "53/UDP": null } }).ExposedPorts).toEqual({
    "80/tcp": {},
    "53/udp": {},
  });
  expect(read({ Volumes: { "/a": null } }).Volumes).toEqual({ "/a": {} });
  // A name alone takes away when configs are merged: in an image it sets nothing.
  expect(read({ Env: ["A=1", "B", "A=2", "C="] }).Env).toEqual(["A=2", "C="]);
  for (const WorkingDir of ["", "srv", "./x"]) expect(read({ WorkingDir }).WorkingDir).toBe("/");
});

test("A13: what cannot be is refused with its path, and never taken for something else", () => {
  for (const [config, path] of [
    [{ Env: ["=x"] }, /Env\.0/],
    [{ Env: "A=1" }, /Env/],
    [{ Env: ["A=\0"] }, /Env\.0/],
    [{ Cmd: [1] }, /Cmd\.0/],
    [{ User: 0 }, /User/],
    [{ ExposedPorts: { "70000/tcp": {} } }, /ExposedPorts/],
    [{ ExposedPorts: ["80"] }, /ExposedPorts/],
    [{ Volumes: { data: {} } }, /Volumes/],
    [{ Labels: { a: 1 } }, /Labels\.a/],
    [{ Healthcheck: { Interval: -1 } }, /Healthcheck\.Interval/],
  ] as const) {
    expect(() => read(config), JSON.stringify(config)).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: expect.stringMatching(new RegExp(`the config of app:1: .*${path.source}`)),
      }),
    );
  }
  const proto = JSON.parse('{"Labels":{"__proto__":"x"}}') as unknown;
  expect(() => read(proto)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
});

test("fuzz: any config is one that can be kept in an image, or a WickError", () => {
  const texts = fc.array(fc.oneof(fc.string(), fc.constantFrom("A=1", "B", "=")));
  const map = fc.dictionary(fc.oneof(fc.string(), fc.constant("80")), fc.constantFrom({}, null, 1));
  const config = fc.record(
    {
      Entrypoint: fc.oneof(texts, fc.jsonValue()),
      Cmd: fc.oneof(texts, fc.jsonValue()),
      Env: fc.oneof(texts, fc.jsonValue()),
      WorkingDir: fc.oneof(fc.string(), fc.jsonValue()),
      User: fc.oneof(fc.string(), fc.jsonValue()),
      ExposedPorts: fc.oneof(map, fc.jsonValue()),
      Volumes: fc.oneof(map, fc.jsonValue()),
      Labels: fc.oneof(map, fc.jsonValue()),
      Healthcheck: fc.oneof(map, fc.jsonValue()),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(config, (any) => {
      try {
        const is = read(any);
        expect(parseConfig(printConfig(is))).toEqual(is);
      } catch (error) {
        if (!isWickError(error, "CONFIG_INVALID", "IMAGE_INVALID")) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});
