import { join } from "node:path";
import { sanitise } from "../../bytes/index.ts";
import type { Builder } from "./builder.ts";
import { imageId } from "./image-id.ts";
import { builderEnvironment, csv, sharedWords, type BuildRequest } from "./request.ts";
import { runBuilder } from "./run-builder.ts";

/** An image has this name in its archive: it has none of its own. */
const NAME = "localhost/wick:built";

/** What the two programs do in different words. */
interface Words {
  readonly name: "buildah" | "podman";
  readonly version: readonly string[];
  /** Writes the image `id` to the archive at `path`. */
  save(id: string, path: string): string[];
}

/**
 * A program of buildah's code. Docker's image format, since OCI's has no place for HEALTHCHECK;
 * and Docker's archive, since its layers are not compressed, which nobody here would gain by.
 */
function builderOf(words: Words): Builder {
  const { name } = words;
  return {
    name,
    packageName: name,
    async probe(ask) {
      await ask(name, words.version);
    },
    async build(request, directory) {
      const run = runOf(request);
      const idFile = join(directory, "id");
      await runBuilder(name, ["build", ...buildWords(request, idFile)], run);
      const path = join(directory, "image.tar");
      await runBuilder(name, words.save(imageId(idFile), path), run);
      return { kind: "docker-archive", path };
    },
  };
}

export const buildah: Builder = builderOf({
  name: "buildah",
  version: ["--version"],
  save: (id, path) => ["push", "-q", id, `docker-archive:${path}:${NAME}`],
});

export const podman: Builder = builderOf({
  name: "podman",
  version: ["version"],
  save: (id, path) => ["save", "-q", "--format=docker-archive", `--output=${path}`, id],
});

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
    // May be given several times, or once as a list: a comma in the path would begin another.
    `--file=${csv([request.context.dockerfile])}`,
    ...sharedWords(request),
    "--",
    request.context.directory,
  ];
}
