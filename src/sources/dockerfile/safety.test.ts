import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { utf8 } from "../../bytes/index.ts";
import { isWickError } from "../../errors/index.ts";
import { checkContext, findContext } from "./context.ts";
import { foreignFrontend } from "./frontend.ts";
import { parseSecret } from "./secrets.ts";

test.each([
  ["FROM x\n# syntax=evil/one", undefined],
  ["# syntax=docker/dockerfile:1\nFROM x", undefined],
  ["# syntax = docker.io/docker/dockerfile-upstream:master@sha256:" + "a".repeat(64), undefined],
  ["# escape=`\r\n# SYNTAX=evil.example/front:1\r\nFROM x", "evil.example/front:1"],
  ["\uFEFF#syntax=docker/dockerfile.evil", "docker/dockerfile.evil"],
  ["#!/usr/bin/env docker\n\n  //  syntax=evil", "evil"],
  ["# syntax=docker/dockerfile:1\n# syntax=evil", "evil"],
  ['{"syntax": "evil/json"}', "evil/json"],
  ["{}", "an unknown one (it begins with {)"],
  ["# syntax=docker/dockerfile/evil", "docker/dockerfile/evil"],
])("N9: the frontend of %j is seen", (text, found) => {
  expect(foreignFrontend(utf8(text))).toBe(found);
});

/** A folder with a Dockerfile. */
function folder(dockerfile = "FROM scratch\n"): string {
  const directory = join(temporaryDirectory(), "context");
  mkdirSync(join(directory, "sub"), { recursive: true });
  writeFileSync(join(directory, "Dockerfile"), dockerfile);
  return directory;
}

test("N9: a foreign frontend is refused unless it is allowed", async () => {
  const context = findContext(folder("# syntax=evil/one\nFROM x\n"), undefined);
  const refusal = await refusalOf(checkContext(context, ["outside-links"]));
  expect(refusal).toMatchObject({ code: "UNSUPPORTED", hint: expect.stringContaining("--allow") });
  await checkContext(context, ["frontend"]);
});

test("N9: links that lead out of the folder are refused unless allowed; all others pass", async () => {
  const directory = folder();
  symlinkSync("../Dockerfile", join(directory, "sub/inside"));
  symlinkSync("/no/such/file", join(directory, "sub/into-nothing"));
  symlinkSync("loop", join(directory, "loop"));
  const context = findContext(directory, undefined);
  await checkContext(context, []);
  symlinkSync("../../../../../../etc/passwd", join(directory, "sub/by-name"));
  const refusal = await refusalOf(checkContext(context, []));
  expect(refusal).toMatchObject({ code: "PATH_ESCAPES" });
  expect(refusal?.detail).toEqual(["sub/by-name -> /etc/passwd"]);
  await checkContext(context, ["outside-links"]);
});

test("N9: a Dockerfile that is itself a link out of the folder is refused", async () => {
  const directory = join(temporaryDirectory(), "context");
  mkdirSync(directory);
  symlinkSync("/etc/hosts", join(directory, "Dockerfile"));
  const refusal = await refusalOf(checkContext(findContext(directory, undefined), []));
  expect(refusal?.detail).toEqual(["Dockerfile -> /etc/hosts"]);
});

test("what is missing is said: the folder, its Dockerfile, the one of -f", () => {
  const empty = temporaryDirectory();
  expect(() => findContext(join(empty, "none"), undefined)).toThrow(/no such directory/u);
  expect(() => findContext(empty, undefined)).toThrow(/no Dockerfile and no Containerfile/u);
  expect(() => findContext(empty, join(empty, "x"))).toThrow(/no such file/u);
  writeFileSync(join(empty, "Containerfile"), "FROM x");
  expect(findContext(empty, undefined).dockerfile).toBe(join(empty, "Containerfile"));
});

test("a secret names a file or a variable", () => {
  expect(parseSecret("id=a,src=b c", "/d")).toEqual({ id: "a", from: { file: "/d/b c" } });
  expect(parseSecret('id=a,"source=b,c"', "/d")).toEqual({ id: "a", from: { file: "/d/b,c" } });
  expect(parseSecret("id=a,env=TOKEN", "/d")).toEqual({ id: "a", from: { variable: "TOKEN" } });
  expect(parseSecret("type=env,id=a,src=T", "/")).toEqual({ id: "a", from: { variable: "T" } });
});

test.each(["", "id=a", "src=b", "id=a,src=b,env=c", "id=a b,src=c", "id=a,src=b,mode=1", '"id=a'])(
  "the secret %j is refused",
  (text) => {
    expect(() => parseSecret(text, "/")).toThrow(/Cannot use the secret/u);
  },
);

test("P9: what was put into a secret's words by mistake is not repeated", () => {
  expect(() => parseSecret("token=hunter2", "/")).toThrow(/^(?!.*hunter2)/u);
});

async function refusalOf(promise: Promise<void>) {
  try {
    await promise;
  } catch (error) {
    if (isWickError(error)) return error;
    throw error;
  }
  return undefined;
}
