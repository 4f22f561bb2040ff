import { join } from "node:path";
import { sanitise } from "../../bytes/index.ts";
import { isWickError } from "../../errors/index.ts";
import type { BuiltArchive } from "./builder.ts";
import { imageId } from "./image-id.ts";
import { builderEnvironment, type BuildRequest } from "./request.ts";
import { type BuilderRun, runBuilder } from "./run-builder.ts";

/** Plain lines, as for a log; no attestations, which no machine would look at. */
const ENVIRONMENT = { BUILDKIT_PROGRESS: "plain", BUILDX_NO_DEFAULT_ATTESTATIONS: "1" } as const;

/** How clients of Docker's and of BuildKit's are run. */
export function dockerRun(request: BuildRequest): BuilderRun {
  const { onLine, signal, context } = request;
  const env = { ...builderEnvironment(request), ...ENVIRONMENT };
  return { purpose: `build ${sanitise(context.directory)}`, env, onLine, signal };
}

/** Saves the image that a build left in Docker, by its id. */
export async function saveImage(
  request: BuildRequest,
  { idFile, directory }: { readonly idFile: string; readonly directory: string },
): Promise<BuiltArchive> {
  const path = join(directory, "image.tar");
  const words = ["image", "save", `--output=${path}`, imageId(idFile)];
  await runBuilder("docker", words, dockerRun(request));
  return { kind: "docker-archive", path };
}

/** Whether a builder that failed said this among its last lines. */
export function says(error: unknown, what: RegExp): boolean {
  return isWickError(error, "TOOL_FAILED") && error.detail.some((line) => what.test(line));
}
