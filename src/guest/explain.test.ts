import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { elfHead } from "../../test/support/elf-head.ts";
import { compileInitPart } from "../../test/support/init-part.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { execReasons } from "./message-types.ts";

/** init's explanation as a program of its own: this machine's kernel refuses, init's code explains. */
let explain: string;
let directory: string;

beforeEach(() => {
  directory = temporaryDirectory();
  explain = compileInitPart("explain-main.c", ["explain.c", "files.c", "text.c", "copy.c"]);
});

function explained(name: string, contents?: string | Uint8Array, mode = 0o755) {
  const path = name.startsWith("/") ? name : join(directory, name);
  if (contents !== undefined) writeFileSync(path, contents);
  if (contents !== undefined) chmodSync(path, mode);
  const words = execFileSync(explain, [path], { encoding: "utf8" }).split(" ");
  const reason = Object.entries(execReasons).find(([, number]) => number === Number(words[1]));
  return { errno: Number(words[0]), reason: reason?.[0], detail: words.slice(2).join(" ") };
}

const ownMachine = process.arch === "arm64" ? "aarch64" : "x86_64";

test("init says in words why a program cannot be started", () => {
  expect(explained("none")).toEqual({ errno: 2, reason: "not-found", detail: "" });
  expect(explained("script", "#! /no/interpreter -x\n")).toEqual({
    errno: 2,
    reason: "interpreter-missing",
    detail: "/no/interpreter",
  });
  expect(explained("edited-elsewhere", "#!/bin/sh\r\necho\r\n")).toEqual({
    errno: 2,
    reason: "interpreter-missing",
    detail: String.raw`/bin/sh\r`,
  });
  expect(explained("words", "just words\n")).toEqual({
    errno: 8,
    reason: "not-a-program",
    detail: "",
  });
  expect(explained("empty", "")).toEqual({ errno: 8, reason: "not-a-program", detail: "" });
  expect(explained("plain", "#!/bin/sh\n", 0o644)).toEqual({
    errno: 13,
    reason: "not-executable",
    detail: "its mode has no x",
  });
  expect(explained("plain/below")).toEqual({ errno: 20, reason: "not-found", detail: "" });
  mkdirSync(join(directory, "folder"));
  expect(explained("folder")).toEqual({ errno: 13, reason: "directory", detail: "" });
});

test("init names what an ELF file lacks: its loader, or another machine", () => {
  const loader = elfHead({ machine: ownMachine, loader: "/lib/ld-nothing.so.1" });
  expect(explained("no-loader", loader)).toEqual({
    errno: 2,
    reason: "loader-missing",
    detail: "/lib/ld-nothing.so.1",
  });
  expect(explained("foreign", elfHead({ machine: "riscv" }))).toEqual({
    errno: 8,
    reason: "wrong-architecture",
    detail: `riscv, this machine is ${ownMachine}`,
  });
  // Damaged heads are explained or not, but never read beyond their end.
  const whole = elfHead({ machine: ownMachine, loader: "/lib/ld-nothing.so.1" });
  for (let length = 4; length < whole.length; length += 37) {
    expect(explained("cut", whole.subarray(0, length)).errno).toBeGreaterThan(0);
  }
});
