import { join } from "node:path";
import { WickError } from "../../errors/index.ts";
import type { Builder } from "./builder.ts";
import { dockerRun, saveImage, says } from "./docker-image.ts";
import { sharedWords } from "./request.ts";
import { runBuilder } from "./run-builder.ts";

/**
 * Docker without buildx, as Debian 12 has it: BuildKit is in its daemon, or, where a newer client
 * will not speak to that without buildx, Docker's first builder.
 */
export const plainDocker: Builder = {
  name: "docker",
  packageName: "docker.io",
  async probe(ask) {
    await ask("docker", ["version"]);
  },
  async build(request, directory) {
    const idFile = join(directory, "id");
    const file = `--file=${request.context.dockerfile}`;
    const words = ["build", file, ...sharedWords(request), `--iidfile=${idFile}`];
    if (request.pull) words.push("--pull");
    const build = (buildkit: "0" | "1"): Promise<void> => {
      const run = dockerRun(request);
      const env = { ...run.env, DOCKER_BUILDKIT: buildkit };
      return runBuilder("docker", [...words, "--", request.context.directory], { ...run, env });
    };
    try {
      await build("1");
    } catch (error) {
      if (!(error instanceof WickError && says(error, /buildx component is missing/i))) throw error;
      await build("0");
    }
    return saveImage(request, { idFile, directory });
  },
};
