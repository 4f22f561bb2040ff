import * as fc from "fast-check";
import { expect, test } from "vitest";
import { utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { AppConfig } from "./config.ts";
import { CONFIG_MAX_BYTES, parseConfig, printConfig } from "./schema.ts";

const asText = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function failure(action: () => unknown): WickError {
  try {
    action();
  } catch (error) {
    if (error instanceof WickError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const word = fc.string({ unit: "grapheme-composite" }).filter((s) => !s.includes("\0"));
const words = fc.array(word, { maxLength: 5 });
const key = word.filter((s) => !["__proto__", "prototype", "constructor"].includes(s));
const variables = fc
  .uniqueArray(
    fc.tuple(
      word.filter((s) => s !== "" && !s.includes("=")),
      word,
    ),
    { selector: ([name]) => name, maxLength: 5 },
  )
  .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`));
const ports = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 65535 }), fc.constantFrom("tcp", "udp")))
  .map((list) => Object.fromEntries(list.map(([port, protocol]) => [`${port}/${protocol}`, {}])));

const configs: fc.Arbitrary<AppConfig> = fc.record(
  {
    Entrypoint: words,
    Cmd: words,
    Env: variables,
    WorkingDir: word.map((s) => `/${s}`),
    User: word,
    StopSignal: word,
    ExposedPorts: ports,
    Volumes: fc.dictionary(
      word.map((s) => `/${s}`),
      fc.constant({}),
    ),
    Healthcheck: fc.record(
      { Test: words, Interval: fc.maxSafeNat(), Retries: fc.nat() },
      { requiredKeys: [] },
    ),
    Labels: fc.dictionary(key, word),
    Hostname: word,
  },
  { requiredKeys: [] },
);

test("what is printed is read back the same, and its text depends on the contents alone", () => {
  fc.assert(
    fc.property(configs, fc.constantFrom("config" as const, "run" as const), (config, section) => {
      const printed = printConfig(config, { section });
      expect(parseConfig(printed, { section })).toEqual(config);
      const reversed = Object.fromEntries(Object.entries(config).reverse());
      expect(printConfig(reversed, { section })).toEqual(printed);
    }),
  );
});

test("the document is sorted, indented JSON with the version", () => {
  const config = { ExposedPorts: { "80/tcp": {}, "443/tcp": {} }, Cmd: ["b", "a"] };
  expect(asText(printConfig(config))).toBe(`{
  "config": {
    "Cmd": [
      "b",
      "a"
    ],
    "ExposedPorts": {
      "443/tcp": {},
      "80/tcp": {}
    }
  },
  "wick": 1
}
`);
});

test("every problem is told at once with its path", () => {
  const document = {
    wick: 1,
    config: {
      Entrypoint: "nginx",
      Cmd: ["ok", 3],
      Env: ["A", "=b"],
      WorkingDir: "srv",
      ExposedPorts: { "80": {} },
      Healthcheck: { Retries: -1, Foo: 1 },
      Lables: {},
    },
    more: true,
  };
  const error = failure(() => parseConfig(utf8(JSON.stringify(document))));
  expect(error.code).toBe("CONFIG_INVALID");
  expect(error.detail).toEqual([
    "config.Entrypoint: wanted a list of texts",
    "config.Cmd.1: wanted a text",
    "config.Env.0: wanted NAME=value with a name that is not empty",
    "config.Env.1: wanted NAME=value with a name that is not empty",
    'config.WorkingDir: wanted a path that begins with "/"',
    'config.ExposedPorts.80: wanted a port such as "80/tcp" or "53/udp"',
    "config.Healthcheck.Retries: wanted no negative number",
    "config.Healthcheck.Foo: unknown key",
    "config.Lables: unknown key",
    "more: unknown key",
  ]);
});

test("an unknown version is refused by name, before its keys are looked at", () => {
  for (const [text, is] of [
    ['{"wick": 2, "machine": {}}', "version 2"],
    ['{"config": {}}', "no version"],
    ['{"wick": "1", "config": {}}', 'version "1"'],
    ["null", "no version"],
  ] as const) {
    const error = failure(() => parseConfig(utf8(text)));
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.message).toContain(is);
  }
});

test("a run document is not taken for a config, and one without its section lacks it", () => {
  const run = printConfig({}, { section: "run" });
  expect(failure(() => parseConfig(run)).detail).toEqual(["config: missing", "run: unknown key"]);
});

test("keys of Object.prototype are refused and leave it alone", () => {
  for (const key of ["__proto__", "constructor"]) {
    const text = `{"wick":1,"config":{"Labels":{"${key}":"x"}}}`;
    expect(failure(() => parseConfig(utf8(text))).message).toContain("config.Labels");
  }
  expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
});

test("broken JSON, broken UTF-8, NULs, half characters, twice a name and a huge file are refused", () => {
  const inConfig = (text: string) => utf8(`{"wick":1,"config":${text}}`);
  for (const bytes of [
    utf8("{"),
    utf8(""),
    new Uint8Array([0x22, 0xff, 0x22]),
    inConfig('{"User":"a\\u0000"}'),
    inConfig('{"User":"\\ud800"}'),
    inConfig('{"Env":["A=1","A=2"]}'),
    new Uint8Array(CONFIG_MAX_BYTES + 1).fill(0x20),
  ]) {
    expect(failure(() => parseConfig(bytes)).code).toBe("CONFIG_INVALID");
  }
});
