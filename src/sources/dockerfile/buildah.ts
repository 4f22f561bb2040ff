import { join } from "node:path";
import { sanitise } from "../../bytes/index.ts";
import type { Builder } from "./builder.ts";
import { imageId } from "./image-id.ts";
import { builderEnvironment, sharedWords, type BuildRequest } from "./request.ts";
import { runBuilder } from "./run-builder.ts";

/** An image has this name in its archive: it has none of its own. */
const NAME = "localhost/wick:built";

/**
 * buildah. Docker's image format, since OCI's has no place for HEALTHCHECK; and Docker's
 * archive, since its layers are not compressed, which nobody here would gain by.
 */
export const buildah: Builder = {
  name: "buildah",
  packageName: "buildah",
  async probe(ask) {
    await ask("buildah", ["--version"]);
  },
  async build(request, directory) {
    const run = runOf(request);
    const idFile = join(directory, "id");
    await runBuilder("buildah", ["build", ...buildWords(request, idFile)], run);
    const path = join(directory, "image.tar");
    await runBuilder(
      "buildah",
      ["push", "-q", imageId(idFile), `docker-archive:${path}:${NAME}`],
      run,
    );
    return { kind: "docker-archive", path };
  },
};

/** podman: the same code as buildah's behind other words for the last step. */
export const podman: Builder = {
  name: "podman",
  packageName: "podman",
  async probe(ask) {
    await ask("podman", ["version"]);
  },
  async build(request, directory) {
    const run = runOf(request);
    const idFile = join(directory, "id");
    await runBuilder("podman", ["build", ...buildWords(request, idFile)], run);
    const path = join(directory, "image.tar");
    const words = ["--format=docker-archive", `--output=${path}`, imageId(idFile)];
    await runBuilder("podman", ["save", "-q", ...words], run);
    return { kind: "docker-archive", path };
  },
};

function runOf(request: BuildRequest) {
  const { onLine, signal, context } = request;
  const purpose = `build ${sanitise(context.directory)}`;
  return { purpose, env: builderEnvironment(request), onLine, signal };
}

function buildWords(request: BuildRequest, idFile: string): string[] {
  return [
    "--format=docker",
    // As Docker: what did not change is not built again, and a build that fails leaves no
    // working container. buildah's own variable can say otherwise.
    ...(request.environment["BUILDAH_LAYERS"] === undefined ? ["--layers", "--force-rm"] : []),
    `--iidfile=${idFile}`,
    `--pull=${request.pull ? "always" : "false"}`, // false: what is missing is pulled
    ...sharedWords(request),
    "--",
    request.context.directory,
  ];
}
