import { execFileSync } from "node:child_process";
import { constants } from "node:os";
import { expect, test } from "vitest";
import { messageOf } from "../../test/support/failures.ts";
import { utf8 } from "../bytes/index.ts";
import { parseEnvFile } from "./environment.ts";
import { parseCpus, parseMemory, parseSize } from "./memory.ts";
import { signalName, signalNumber } from "./signals.ts";

test("signals have the numbers that Node and bash know", () => {
  for (const [name, number] of Object.entries(constants.signals)) {
    expect([name, signalNumber(name)]).toEqual([name, number]);
    expect(signalNumber(name.slice(3).toLowerCase())).toBe(number);
  }
  for (let number = 1; number <= 64; number++) {
    if (number === 32 || number === 33) continue;
    const bash = execFileSync("bash", ["-c", `kill -l ${number}`], { encoding: "utf8" }).trim();
    expect([bash, signalNumber(bash)]).toEqual([bash, number]);
    expect(signalNumber(signalName(number))).toBe(number);
  }
});

test("signals that do not exist have no number", () => {
  const wrong = [
    "",
    "0",
    "65",
    "-1",
    "SIG",
    "SIGSIGTERM",
    "TERM ",
    "RTMIN-1",
    "RTMAX+1",
    "RTMIN+31",
  ];
  for (const text of [...wrong, "RTMIN+", "15.0", "999"]) {
    expect([text, signalNumber(text)]).toEqual([text, undefined]);
  }
  expect(signalNumber("SIGRTMIN+30")).toBe(64);
});

test("memory is read in Docker's units, all binary, up to whole MiB", () => {
  const good = [
    ["128m", 128],
    ["1g", 1024],
    ["1G", 1024],
    ["65536k", 64],
    ["65536Ki", 64],
    ["64Ki", undefined],
    ["256MiB", 256],
    ["2GB", 2048],
    ["2 gb", 2048],
    ["1.5g", 1536],
    ["134217729", 129],
    ["134217728b", 128],
    ["1t", 1 << 20],
  ] as const;
  for (const [text, mib] of good) {
    if (mib === undefined) expect(messageOf(() => parseMemory(text))).toContain("16 MiB");
    else expect([text, parseMemory(text)]).toEqual([text, mib]);
  }
});

test("memory out of range or no number is an error that gives the limits, nothing wraps", () => {
  for (const text of ["0", "64", "4294967296m", "15m", "17t"]) {
    expect(messageOf(() => parseMemory(text))).toContain("wanted 16 MiB to 16 TiB");
  }
  const noSizes = ["-1", "1e9", "NaN", "", "m", "1mm", "0x10", "9999999999999999999m", "1,5g", "∞"];
  for (const text of noSizes) {
    expect([text, messageOf(() => parseMemory(text))]).toEqual([
      text,
      expect.stringContaining("it is not a size"),
    ]);
  }
  expect(parseSize("0.5k", "size")).toBe(512);
});

test("cpus are a whole number in range", () => {
  expect([parseCpus("1"), parseCpus("255")]).toEqual([1, 255]);
  for (const text of ["0", "1.5", "1000", "-1", "", "1e1", "two"]) {
    expect(messageOf(() => parseCpus(text))).toContain("a whole number from 1 to 255");
  }
});

test("an env-file is read as Docker reads it", () => {
  const text = [
    "\ufeff# comment",
    "",
    "PLAIN=value",
    "  QUOTED=\"kept\" 'too' ",
    "EMPTY=",
    "EQUALS=a=b",
    "HERE",
    "NOT_HERE",
    "CRLF=no carriage return\r",
    "   # indented comment",
    "HASH=a # b",
  ].join("\n");
  expect(parseEnvFile(utf8(text), "x.env", { HERE: "caller" })).toEqual([
    "PLAIN=value",
    "QUOTED=\"kept\" 'too' ",
    "EMPTY=",
    "EQUALS=a=b",
    "HERE=caller",
    "CRLF=no carriage return",
    "HASH=a # b",
  ]);
});

test("an env-file's wrong line is named by its number", () => {
  expect(messageOf(() => parseEnvFile(utf8("A=1\n=x"), "x.env", {}))).toContain("line 2 of x.env");
  expect(messageOf(() => parseEnvFile(utf8("A B=1"), "x.env", {}))).toContain("holds a space");
  expect(messageOf(() => parseEnvFile(utf8("A =1"), "x.env", {}))).toContain("holds a space");
  expect(messageOf(() => parseEnvFile(new Uint8Array([0xff]), "x.env", {}))).toContain("not UTF-8");
});
