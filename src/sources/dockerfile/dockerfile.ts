import { sanitise } from "../../bytes/index.ts";
import { guardedDirectory, type Environment } from "../../host/index.ts";
import type { Source, SourceContents } from "../source.ts";
import type { Builder, BuiltArchive } from "./builder.ts";
import { chooseBuilder } from "./choose-builder.ts";
import { checkContext, findContext, type Allowance } from "./context.ts";
import { builderEnvironment, type BuildRequest, type DockerfileSettings } from "./request.ts";

/** What a Dockerfile's source needs of its surroundings. */
export interface DockerfileOptions {
  readonly settings: DockerfileSettings;
  /** What the user allows this folder. */
  readonly allowed: readonly Allowance[];
  readonly architecture: "x86_64" | "aarch64";
  readonly environment: Environment;
  /** Gets each line that the builder says. */
  readonly onLine: (line: string) => void;
  /** Opens what was built. */
  readonly openArchive: (archive: BuiltArchive, signal?: AbortSignal) => Promise<SourceContents>;
}

/**
 * A folder with a Dockerfile: built by what is installed for that, the image taken from the
 * archive that the builder writes into a private directory.
 */
export function dockerfileSource(
  reference: string,
  directory: string,
  options: DockerfileOptions,
): Source {
  return {
    reference,
    async open(signal) {
      const { settings, allowed, environment, architecture, onLine } = options;
      const context = findContext(directory, settings.file);
      await checkContext(context, allowed, signal);
      const platform = architecture === "x86_64" ? "linux/amd64" : "linux/arm64";
      const request = { ...settings, context, platform, environment, onLine, signal } as const;
      const env = builderEnvironment(request);
      const builder = await chooseBuilder({ env, environment, signal });
      onLine(`${builder.name} builds ${sanitise(directory)}`);
      return openBuilt(request, builder, options);
    },
  };
}

async function openBuilt(
  request: BuildRequest,
  builder: Builder,
  { openArchive }: DockerfileOptions,
): Promise<SourceContents> {
  const directory = guardedDirectory("build");
  const release = (): void => directory[Symbol.dispose]();
  try {
    const archive = await builder.build(request, directory.path);
    const contents = await openArchive(archive, request.signal);
    return {
      ...contents,
      release: () => {
        contents.release?.();
        release();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}
