import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import type { WickError } from "../../errors/index.ts";
import { statOf } from "../../host/index.ts";
import type { SourceContents } from "../source.ts";
import type { BuiltArchive } from "./builder.ts";
import { dockerfileSource } from "./dockerfile.ts";

/** Programs in the builders' places; what they were told is in `log`. */
let programs: string;
let log: string;
let context: string;
const built: SourceContents[] = [];
const PATH = process.env["PATH"];

beforeEach(() => {
  const directory = temporaryDirectory();
  [programs, context] = [join(directory, "bin"), join(directory, "a context")];
  log = join(directory, "log");
  mkdirSync(programs);
  mkdirSync(context);
  writeFileSync(join(context, "Dockerfile"), "FROM scratch\n");
  for (const name of ["docker", "buildctl", "buildah", "podman"]) fake(name, "exit 1");
  process.env["PATH"] = `${programs}:${PATH}`;
});

afterEach(() => {
  for (const { release } of built.splice(0)) release?.();
  process.env["PATH"] = PATH;
});

/** A program that logs its words, a line each call, and its environment's NAMEs, then does `script`. */
function fake(name: string, script: string): void {
  const lines = [
    "#!/bin/sh",
    `printf '%s|' ${name} "$@" >> '${log}'; echo >> '${log}'`,
    `env | grep -E '^(TOKEN|ARG|OTHER|STORAGE_DRIVER)=' >> '${log}'`,
    // Files that real builders are told to write.
    'for word; do case "$word" in',
    "--iidfile=*) printf 'sha256:%064d' 7 > \"${word#*=}\";;",
    '--output=type=oci,dest=*) file="${word#*dest=}";; --output=*) file="${word#*=}";;',
    'docker-archive:*) file="${word#*:}"; file="${file%:*:*}";;',
    "esac; done",
    '[ -z "$file" ] || echo archive > "$file"',
    script,
    "",
  ];
  writeFileSync(join(programs, name), lines.join("\n"));
  chmodSync(join(programs, name), 0o755);
}

/** What was opened, what the builder said, and what it was told. */
async function build(
  settings: Partial<Parameters<typeof dockerfileSource>[2]["settings"]> = {},
  environment: Record<string, string> = {},
) {
  const lines: string[] = [];
  let opened: BuiltArchive | undefined;
  const source = dockerfileSource(context, context, {
    settings: {
      file: undefined,
      buildArgs: [],
      target: undefined,
      secrets: [],
      noCache: false,
      pull: false,
      ...settings,
    },
    allowed: [],
    architecture: "x86_64",
    environment,
    onLine: (line) => lines.push(line),
    openArchive: (archive) => {
      opened = archive;
      expect(readFileSync(archive.path, "utf8")).toBe("archive\n");
      const contents: SourceContents = { layers: [], identity: undefined, parts: [] };
      return Promise.resolve(contents);
    },
  });
  const contents = await source.open();
  built.push(contents);
  return { contents, opened: opened!, lines, told: readFileSync(log, "utf8") };
}

test("the first builder that answers is taken, in the order docker, buildctl, buildah, podman", async () => {
  fake("podman", "exit 0");
  expect((await build()).told).toMatch(
    /^docker\|buildx\|version\|\nbuildctl.*\nbuildah\|--version\|\npodman\|version\|\npodman\|build\|.*\npodman\|save\|/u,
  );
});

test("buildah is told everything in words of its own; the archive goes when it is released", async () => {
  fake("buildah", "echo STEP 1; echo to stderr >&2");
  const { told, opened, contents, lines } = await build({
    buildArgs: ["A=b c"],
    target: "last",
    noCache: true,
    pull: true,
    secrets: [{ id: "s", from: { file: "/a,b" } }],
  });
  const words = told.split("\n").find((line) => line.startsWith("buildah|build|"))!;
  for (const word of [
    "--format=docker",
    "--layers",
    "--pull=always",
    `--file=${context}/Dockerfile`,
    "--platform=linux/amd64",
    "--build-arg=A=b c",
    "--target=last",
    '--secret=id=s,"src=/a,b"',
    "--no-cache",
    `--|${context}`,
  ]) {
    expect(words).toContain(`|${word}|`);
  }
  expect(opened.kind).toBe("docker-archive");
  expect(lines).toEqual(expect.arrayContaining(["STEP 1", "to stderr"]));
  expect(statOf(opened.path)).toBeDefined();
  contents.release!();
  expect(statOf(opened.path)).toBeUndefined();
});

test("docker gives an OCI archive; where its driver has no exporter the image is loaded and saved", async () => {
  fake("docker", "exit 0");
  expect((await build()).opened.kind).toBe("oci-archive");
  const says = "ERROR: OCI exporter is not supported for the docker driver.";
  fake("docker", `case "$*" in *type=oci*) rm -f "$file"; echo "${says}" >&2; exit 1;; esac`);
  const { opened, told } = await build();
  expect(opened.kind).toBe("docker-archive");
  expect(told).toContain(`docker|image|save|--output=${opened.path}|sha256:${"0".repeat(63)}7|`);
});

test("a docker without its daemon is passed over", async () => {
  fake("docker", 'case "$*" in *inspect*) echo "Error:   Cannot connect to it";; esac');
  fake("buildah", "exit 0");
  expect((await build()).told).toContain("buildah|build|");
});

test("docker without buildx is the last: BuildKit in its daemon, or its first builder", async () => {
  const answers = 'case "$1" in buildx) exit 1;; esac';
  fake("docker", `${answers}; echo "BUILDKIT=$DOCKER_BUILDKIT"`);
  expect((await build()).lines).toContain("BUILDKIT=1");
  const missing = "ERROR: BuildKit is enabled but the buildx component is missing or broken.";
  const refuses = `[ "$1$DOCKER_BUILDKIT" = build1 ] && { echo "${missing}" >&2; exit 1; }`;
  fake("docker", `${answers}; ${refuses}; echo "BUILDKIT=$DOCKER_BUILDKIT"`);
  const { lines, told, opened } = await build();
  expect(lines).toContain("BUILDKIT=0");
  expect(told).toMatch(/podman\|version\|\ndocker\|version\|\ndocker\|build\|--file=/u);
  expect(opened.kind).toBe("docker-archive");
});

test("P9: values that stood on no command line go by the environment, and nothing else does", async () => {
  fake("buildah", "exit 0");
  const environment = { TOKEN: "hunter2", ARG: "swordfish", OTHER: "x", STORAGE_DRIVER: "vfs" };
  const { told, lines } = await build(
    { buildArgs: ["ARG"], secrets: [{ id: "t", from: { variable: "TOKEN" } }] },
    environment,
  );
  const words = told.split("\n").filter((line) => line.includes("|"));
  expect(words.join("\n")).not.toMatch(/hunter2|swordfish/u);
  expect(lines.join("\n")).not.toMatch(/hunter2|swordfish/u);
  expect(told).toContain("|--secret=id=t,env=TOKEN|");
  expect(told).toMatch(/^TOKEN=hunter2$/mu);
  expect(told).toMatch(/^STORAGE_DRIVER=vfs$/mu);
  expect(told).not.toMatch(/^OTHER=/mu);
});

test("P9: buildctl, which would show the value of a build argument, refuses to", async () => {
  fake("buildctl", "exit 0");
  const error = await refusal(build({ buildArgs: ["ARG"] }, { ARG: "swordfish" }));
  expect(error.code).toBe("USAGE");
  expect(error.message).not.toContain("swordfish");
});

test("a build that fails is one error with the builder's last lines, and leaves nothing", async () => {
  fake(
    "buildah",
    'case "$1" in build) echo "STEP 2: RUN false"; echo "no such luck" >&2; exit 3;; esac',
  );
  const error = await refusal(build());
  expect(error).toMatchObject({ code: "TOOL_FAILED" });
  expect(error.message).toContain("buildah failed with status 3");
  expect([...error.detail].sort()).toEqual(["STEP 2: RUN false", "no such luck"]);
});

test("without any builder that answers, one error names them, their packages and their reasons", async () => {
  fake("docker", "echo the daemon sleeps >&2; exit 1");
  const error = await refusal(build());
  expect(error.code).toBe("TOOL_MISSING");
  expect(error.message).toMatch(/docker with buildx, buildah or podman/u);
  expect(error.hint).toMatch(/apt-get install buildah.*docker-buildx, podman/u);
  expect(error.detail).toContain("docker: the daemon sleeps");
});

test("WICK_BUILDER names the builder, or is refused", async () => {
  fake("docker", "exit 0");
  fake("podman", "exit 0");
  expect((await build({}, { WICK_BUILDER: "podman" })).told).not.toMatch(/^docker/mu);
  expect((await refusal(build({}, { WICK_BUILDER: "kaniko" }))).code).toBe("USAGE");
});

async function refusal(promise: Promise<unknown>): Promise<WickError> {
  return promise.then(
    () => {
      throw new Error("was not refused");
    },
    (error: unknown) => error as WickError,
  );
}
