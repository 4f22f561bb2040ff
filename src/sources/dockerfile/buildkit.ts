import { basename, dirname, join } from "node:path";
import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import type { Ask, Builder } from "./builder.ts";
import { dockerRun, saveImage, says } from "./docker-image.ts";
import { csv, secretWords, sharedWords, type BuildRequest } from "./request.ts";
import { runBuilder } from "./run-builder.ts";

const NO_EXPORTER = /exporter\b.*\bnot (currently )?supported/i;

/**
 * `docker buildx`. The driver inside Docker itself exports no archive (before its image store
 * was containerd's): there the image is loaded into Docker, and saved.
 */
export const docker: Builder = {
  name: "docker",
  packageName: "docker-buildx",
  async probe(ask) {
    await ask("docker", ["buildx", "version"]);
    const { error } = await inspect(ask);
    if (error !== undefined) throw new WickError("TOOL_FAILED", error);
  },
  async build(request, directory) {
    const run = dockerRun(request);
    const words = [
      `--file=${request.context.dockerfile}`,
      ...sharedWords(request),
      ...(request.pull ? ["--pull"] : []),
      "--progress=plain",
    ];
    const last = ["--", request.context.directory];
    const oci = join(directory, "image.oci.tar");
    const exporter = `--output=${csv(["type=oci", `dest=${oci}`])}`;
    try {
      await runBuilder("docker", ["buildx", "build", ...words, exporter, ...last], run);
      return { kind: "oci-archive", path: oci };
    } catch (error) {
      if (!says(error, NO_EXPORTER)) throw error;
    }
    const idFile = join(directory, "id");
    const load = ["--load", `--iidfile=${idFile}`];
    await runBuilder("docker", ["buildx", "build", ...words, ...load, ...last], run);
    return saveImage(request, { idFile, directory });
  },
};

/** A BuildKit daemon by itself, by its own client; BUILDKIT_HOST says where it is. */
export const buildctl: Builder = {
  name: "buildctl",
  packageName: undefined,
  async probe(ask) {
    await ask("buildctl", ["debug", "workers"]);
  },
  async build(request, directory) {
    const path = join(directory, "image.oci.tar");
    const words = [
      "build",
      ...buildctlWords(request),
      `--output=${csv(["type=oci", `dest=${path}`])}`,
    ];
    await runBuilder("buildctl", [...words, "--progress=plain"], dockerRun(request));
    return { kind: "oci-archive", path };
  },
};

function buildctlWords(request: BuildRequest): string[] {
  const { context, buildArgs, target, secrets, noCache, pull, platform } = request;
  const { directory, dockerfile } = context;
  const opt = (text: string): string => `--opt=${text}`;
  return [
    "--frontend=dockerfile.v0",
    `--local=context=${directory}`,
    `--local=dockerfile=${dirname(dockerfile)}`,
    opt(`filename=${basename(dockerfile)}`),
    opt(`platform=${platform}`),
    ...buildArgs.map((text) => opt(`build-arg:${withValue(text)}`)),
    ...(target === undefined ? [] : [opt(`target=${target}`)]),
    ...secrets.map((secret) => `--secret=${secretWords(secret)}`),
    ...(noCache ? ["--no-cache"] : []),
    ...(pull ? [opt("image-resolve-mode=pull")] : []),
  ];
}

/** Its client takes no value from the environment, and its command line is for all to read (P9). */
function withValue(buildArg: string): string {
  if (buildArg.includes("=")) return buildArg;
  throw new WickError(
    "USAGE",
    `Cannot give buildctl the build argument "${sanitise(buildArg)}" without showing its value to others`,
    { hint: "write NAME=value; for what nobody may see: --secret id=ID,env=NAME" },
  );
}

/** `docker buildx inspect`: whether its builder can be reached. It ends with 0 also when not. */
async function inspect(ask: Ask): Promise<{ readonly error?: string }> {
  const text = await ask("docker", ["buildx", "inspect"]);
  const error = /^\s*Error:\s*(.+)$/m.exec(text)?.[1];
  return error === undefined ? {} : { error: sanitise(error.trim()) };
}
