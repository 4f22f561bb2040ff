import { sanitise } from "../bytes/index.ts";
import type { Environment } from "../host/index.ts";
import { openStore, type Store } from "../store/index.ts";
import { binSource } from "./bin/index.ts";
import { type DebArchitecture, debSource, type FetchProgress } from "./deb/index.ts";
import { directorySource } from "./directory.ts";
import {
  type Allowance,
  type DockerfileSettings,
  dockerfileSource,
  PLAIN_BUILD,
} from "./dockerfile/index.ts";
import { finishedError } from "./finished-image.ts";
import { type EngineImage, engineSource } from "./engine/index.ts";
import {
  archiveSource,
  guessedSource,
  type ImageFileOptions,
  layoutSource,
  openArchive,
  openStream,
} from "./image-files/index.ts";
import { type ListSettings, listSource } from "./list.ts";
import type { Owner } from "./owner.ts";
import type { ParsedSource } from "./parsed-source.ts";
import { registrySource, type RegistrySourceOptions } from "./registry/index.ts";
import type { Source } from "./source.ts";
import { tarSource } from "./tar.ts";

/** What sources need of their surroundings. */
export interface SourceOptions {
  /** wick's cache: package lists and packages are kept in it. */
  readonly cacheDirectory: string;
  /** By default the one in the cache's directory. */
  readonly store?: Store | undefined;
  /** The caller's: where engines and registries are found by; empty by default. */
  readonly environment?: Environment | undefined;
  /** The machine's architecture. */
  readonly architecture: "x86_64" | "aarch64";
  /** Where a program's libraries are looked for; the host's `/` by default. */
  readonly rootDirectory?: string | undefined;
  /** Where a program goes; `/usr/bin/NAME` by default. */
  readonly programPath?: string | undefined;
  /** The time that a program's files get, seconds since 1970; 0 by default. */
  readonly mtimeSeconds?: number | undefined;
  /** Owners of a directory's files in the image. */
  readonly owner?: Owner | undefined;
  /** How lists of the kernel's are read, and what they may name. */
  readonly list?: ListSettings | undefined;
  /** Fetch package lists anew. */
  readonly refresh?: boolean | undefined;
  /** How a folder with a Dockerfile is built, and what it is allowed. */
  readonly dockerfile?:
    { readonly settings: DockerfileSettings; readonly allowed: readonly Allowance[] } | undefined;
  /** Gets each line that a builder says. */
  readonly onLine?: ((line: string) => void) | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
  /** When and how registries are asked. */
  readonly registry?:
    Pick<RegistrySourceOptions, "pull" | "insecure" | "onNote" | "onDownload"> | undefined;
}

const PLAIN_LIST: ListSettings = {
  directory: undefined,
  anyFile: false,
  variables: {},
  mtimeSeconds: 0,
};

const debArchitectures: Readonly<Record<SourceOptions["architecture"], DebArchitecture>> = {
  x86_64: "amd64",
  aarch64: "arm64",
};

/** The source behind what `parseSource` understood; nothing is read before its `open`. */
export function openSource(parsed: ParsedSource, options: SourceOptions): Source {
  const { kind, rest, reference } = parsed;
  switch (kind) {
    case "bin":
      return binSource(reference, rest, options);
    case "deb":
      return debSource(reference, rest, {
        cacheDirectory: options.cacheDirectory,
        arch: debArchitectures[options.architecture],
        refresh: options.refresh,
        onProgress: options.onProgress,
      });
    case "dir":
      return directorySource(reference, rest, { owner: options.owner });
    case "list":
      return listSource(reference, rest, options.list ?? PLAIN_LIST);
    case "tar":
      return parsed.isGuess === true
        ? guessedSource(reference, rest, imageOptions(options))
        : tarSource(reference, rest);
    case "oci":
      return layoutSource(parsed, imageOptions(options));
    case "oci-archive":
    case "docker-archive":
      return archiveSource({ ...parsed, kind }, imageOptions(options));
    case "docker-daemon":
    case "podman":
      return openEngine({ kind, name: rest, reference }, options);
    case "dockerfile":
      return openDockerfile(parsed, options);
    case "registry":
      return openRegistry(parsed, options);
    default:
      throw finishedError(kind, reference);
  }
}

function imageOptions(options: SourceOptions): ImageFileOptions {
  const store = options.store ?? openStore({ directory: options.cacheDirectory });
  return { store, platform: { architecture: options.architecture } };
}

function openDockerfile({ reference, rest }: ParsedSource, options: SourceOptions): Source {
  const own = imageOptions(options);
  const wanted = { reference: sanitise(reference), platform: own.platform };
  const { settings = PLAIN_BUILD, allowed = [] } = options.dockerfile ?? {};
  return dockerfileSource(reference, rest, {
    settings,
    allowed,
    architecture: options.architecture,
    environment: options.environment ?? {},
    onLine: options.onLine ?? (() => undefined),
    openArchive: ({ kind, path }, signal) => openArchive({ kind, path, wanted }, own, signal),
  });
}

function openRegistry(parsed: ParsedSource, options: SourceOptions): Source {
  const { store } = imageOptions(options);
  const { environment = {}, architecture, registry = {} } = options;
  return registrySource(parsed, { ...registry, environment, store, architecture });
}

function openEngine(image: EngineImage, options: SourceOptions): Source {
  const own = imageOptions(options);
  const wanted = { reference: sanitise(image.reference), platform: own.platform };
  const request = { kind: "docker-archive", name: wanted.reference, wanted } as const;
  return engineSource(image, {
    environment: options.environment ?? {},
    openArchive: (chunks, signal) => openStream(chunks, request, own, signal),
  });
}
