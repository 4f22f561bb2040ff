import { sanitise } from "../../bytes/index.ts";
import { isWickError, WickError } from "../../errors/index.ts";
import { parseReference, showReference } from "../../formats/oci/index.ts";
import type { Environment } from "../../host/index.ts";
import type { Store } from "../../store/index.ts";
import { type FoundImage, imageContents } from "../image/index.ts";
import type { ParsedSource } from "../parsed-source.ts";
import type { Source, SourceContents } from "../source.ts";
import {
  findKnownImage,
  type FindOptions,
  type KnownImage,
  type PullPolicy,
  rememberedDigest,
} from "./find-image.ts";
import { type DownloadProgress, ImageLayers } from "./image.ts";
import { RegistrySession } from "./session.ts";

/** What an image of a registry is opened with. */
export interface RegistrySourceOptions {
  readonly environment: Environment;
  readonly store: Store;
  readonly architecture: "x86_64" | "aarch64";
  /** `missing` by default. */
  readonly pull?: PullPolicy | undefined;
  readonly insecure?: readonly string[] | undefined;
  readonly onNote?: ((message: string) => void) | undefined;
  /** Of the layers: their download begins when the first is played, after `open`. */
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined;
}

/** The image that a name (`nginx:alpine`) stands for in its registry, or stood for when it was pulled. */
export function registrySource(
  { reference, rest, meant }: Pick<ParsedSource, "reference" | "rest" | "meant">,
  options: RegistrySourceOptions,
): Source {
  const image = parseReference(rest);
  return {
    reference,
    async open(signal): Promise<SourceContents> {
      const session = lazySession(options, signal);
      try {
        const find = findOptions(options, session, signal);
        const known = await findKnownImage(image, find);
        const layers = new ImageLayers(known, find, options.onDownload);
        if (find.policy === "never") await layers.all(signal);
        const contents = imageContents(foundImage(known, layers, options.store));
        const release = (): void => {
          layers.stop();
          void session.close();
        };
        return { ...contents, release };
      } catch (error) {
        await session.close();
        throw meant === undefined ? error : withMeaning(error, meant);
      }
    },
  };
}

/** A name that no registry knows may be another kind of source, misspelt. */
function withMeaning(error: unknown, meant: string): unknown {
  if (!isWickError(error, "SOURCE_NOT_FOUND", "UNAUTHORIZED", "REGISTRY_FAILED")) return error;
  const hint = `did you mean ${sanitise(meant)}?`;
  return new WickError(error.code, error.message, { hint, cause: error });
}

function foundImage(known: KnownImage, layers: ImageLayers, store: Store): FoundImage {
  const { manifest, manifestDigest, config, reference } = known;
  return {
    reference: sanitise(showReference(reference)),
    manifestDigest,
    manifest,
    config,
    async layerBlob(index, signal) {
      const path = await layers.path(index, signal);
      return { path, offset: 0, sizeBytes: manifest.layers[index]!.size };
    },
    damaged: (index) => store.blobs.setAside(manifest.layers[index]!.digest),
  };
}

/** A session that is opened when it is first asked for, and can be closed even before. */
export interface LazySession {
  get(): Promise<RegistrySession>;
  close(): Promise<void>;
}

export function lazySession(
  {
    environment,
    insecure,
    onNote,
  }: Pick<RegistrySourceOptions, "environment" | "insecure" | "onNote">,
  signal: AbortSignal | undefined,
): LazySession {
  let opened: Promise<RegistrySession> | undefined;
  return {
    get() {
      opened ??= RegistrySession.open({ environment, insecure, signal, note: onNote });
      return opened;
    },
    async close() {
      const session = await opened?.catch(() => undefined);
      session?.[Symbol.dispose]();
    },
  };
}

function findOptions(
  { store, architecture, pull = "missing" }: RegistrySourceOptions,
  session: LazySession,
  signal: AbortSignal | undefined,
): FindOptions {
  return { store, platform: { architecture }, policy: pull, session: () => session.get(), signal };
}

/** What `pull` brought here. */
export interface PulledImage {
  readonly known: KnownImage;
  /** Bytes of layers that were downloaded. */
  readonly downloadedBytes: number;
  /** The name stood for something else before, or for nothing. */
  readonly isNewer: boolean;
}

/** Asks the registry (unless the policy says otherwise) and brings everything into the store. */
export async function pullImage(
  name: string,
  options: RegistrySourceOptions,
  signal: AbortSignal | undefined,
): Promise<PulledImage> {
  const session = lazySession(options, signal);
  try {
    const find = findOptions(options, session, signal);
    const reference = parseReference(name);
    const before = rememberedDigest(reference, find);
    const known = await findKnownImage(reference, find);
    const layers = new ImageLayers(known, find, options.onDownload);
    await layers.all(signal);
    const isNewer = layers.missingBytes > 0 || before !== known.manifestDigest;
    return { known, downloadedBytes: layers.missingBytes, isNewer };
  } finally {
    await session.close();
  }
}
